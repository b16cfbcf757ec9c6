-- name: make_staging()#
-- Emptied at each commit.
create temporary table if not exists staging_moves (
    user_account_id uuid not null,
    history_id bigint not null,
    entity_id bigint not null,
    type_id smallint,
    category_id bigint,
    status_id text not null,
    changed_at timestamptz not null
) on commit delete rows;
truncate staging_moves;

-- name: append(account, entity)!
-- Append-only by the portal's id. What comes after all known moves of its entity is linked at once, so that it need
-- not be written twice; whatever comes in between waits for `link`.
with staged as (
    select
        *,
        row_number() over moves = 1 as is_first,
        lag(status_id) over moves as status_before,
        lag(category_id) over moves as category_before
    from staging_moves
    window moves as (partition by entity_id order by changed_at, history_id)
),

placed as (
    select
        staged.*,
        known.to_status_id as known_status_id,
        known.to_category_id as known_category_id,
        bool_or(
            staged.is_first
            and (
                known.changed_at is null
                or known.changed_at < staged.changed_at
                or (known.changed_at = staged.changed_at and known.history_id < staged.history_id)
            )
        ) over (partition by staged.entity_id) as is_after_known
    from staged
    -- one look into the index for each entity
    left join lateral (
        select
            h.to_status_id,
            h.to_category_id,
            h.changed_at,
            h.history_id
        from bitrix24_status_history as h
        where
            staged.is_first
            and h.user_account_id = :account and h.entity_type = :entity and h.entity_id = staged.entity_id
        order by h.changed_at desc, h.history_id desc nulls first, h.id desc
        limit 1
    ) as known on true
)

insert into bitrix24_status_history (
    user_account_id, entity_type, history_id, bitrix24_lead_id, bitrix24_deal_id,
    entity_id, from_status_id, to_status_id, from_category_id, to_category_id, type_id, changed_at, source, is_linked
)
select
    user_account_id,
    :entity,
    history_id,
    case when :entity = 'lead' then entity_id end,
    case when :entity = 'deal' then entity_id end,
    entity_id,
    case when is_after_known then case when is_first then known_status_id else status_before end end,
    status_id,
    case when is_after_known then case when is_first then known_category_id else category_before end end,
    category_id,
    type_id,
    changed_at,
    'history',
    coalesce(is_after_known, false)
from placed
on conflict (user_account_id, entity_type, history_id) where history_id is not null do nothing;

-- name: now()$
select clock_timestamp();

-- name: infer(account, entity, since, ids, source)!
-- Leads, deals or items that stand elsewhere than their last known move. The move must be younger than that
-- one: an entity that was read before its last move is behind, not ahead.
-- What is looked at is listed first, and each then looked up by its key: a condition such as
-- "changed, or has a move that is new" on the rows themselves reads all moves for each row once many are new.
with looked_at as materialized (
    select p.entity_id
    from bitrix24_positions as p
    where
        p.user_account_id = :account and p.entity_type = :entity
        and (cast(:ids as bigint[]) is null or p.entity_id = any(cast(:ids as bigint[])))
        and (cast(:since as timestamptz) is null or p.loaded_at >= :since)
    union
    select h.entity_id
    from bitrix24_status_history as h
    where h.user_account_id = :account and h.entity_type = :entity and h.loaded_at >= cast(:since as timestamptz)
)

insert into bitrix24_status_history (
    user_account_id, entity_type, bitrix24_lead_id, bitrix24_deal_id, entity_id, from_status_id, to_status_id,
    from_category_id, to_category_id, type_id, changed_at, source, is_linked
)
select
    p.user_account_id,
    p.entity_type,
    case when p.entity_type = 'lead' then p.entity_id end,
    case when p.entity_type = 'deal' then p.entity_id end,
    p.entity_id,
    known.to_status_id,
    p.status_id,
    known.to_category_id,
    p.category_id,
    case
        when known.to_status_id is null then 1
        when p.category_id != known.to_category_id then 5
        when p.semantic_id in ('S', 'F') then 3
        else 2
    end,
    p.moved_at,
    :source,
    true
from looked_at
-- the limit keeps the planner from joining whole tables by guesses where their statistics are missing
cross join lateral (
    select *
    from bitrix24_positions
    where user_account_id = :account and entity_type = :entity and entity_id = looked_at.entity_id
    order by entity_id
    limit 1
) as p
left join lateral (
    select
        h.to_status_id,
        h.to_category_id,
        h.changed_at
    from bitrix24_status_history as h
    where h.user_account_id = :account and h.entity_type = :entity and h.entity_id = looked_at.entity_id
    order by h.changed_at desc, h.history_id desc nulls first, h.id desc
    limit 1
) as known on true
where
    p.moved_at is not null
    -- a move whose pipeline is unknown is taken for one in the entity's own
    and (
        p.status_id is distinct from known.to_status_id
        or p.category_id != known.to_category_id
    )
    and (known.changed_at is null or p.moved_at > known.changed_at)
on conflict (user_account_id, entity_type, entity_id, changed_at, to_category_id, to_status_id)
where history_id is null do nothing;

-- name: link(account, entity, since)!
-- Where each move came from: the one before it of the same entity. Few are left to this: moves that came after all
-- others of their entity were linked when they were stored.
with touched as (
    select entity_id
    from bitrix24_status_history
    where user_account_id = :account and entity_type = :entity and not is_linked
    union
    select entity_id
    from bitrix24_status_history
    where
        user_account_id = :account and entity_type = :entity
        and loaded_at >= coalesce(cast(:since as timestamptz), now())
),

ordered as (
    select
        h.id,
        lag(h.to_status_id) over moves as from_status_id,
        lag(h.to_category_id) over moves as from_category_id
    from bitrix24_status_history as h
    inner join touched on h.entity_id = touched.entity_id
    where h.user_account_id = :account and h.entity_type = :entity
    window moves as (partition by h.entity_id order by h.changed_at, h.history_id nulls last, h.id)
)

update bitrix24_status_history as h
set
    from_status_id = ordered.from_status_id,
    from_category_id = ordered.from_category_id,
    is_linked = true,
    loaded_at = clock_timestamp()
from ordered
where
    h.id = ordered.id
    and (
        not h.is_linked
        or (h.from_status_id, h.from_category_id)
        is distinct from (ordered.from_status_id, ordered.from_category_id)
    );

-- name: highest_id(account, entity)$
-- How far the portal's history is stored.
select max(history_id)
from bitrix24_status_history
where user_account_id = :account and entity_type = :entity and history_id is not null;
