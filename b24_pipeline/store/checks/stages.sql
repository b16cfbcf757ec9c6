-- name: freeze()!
-- All that follows in this transaction sees one moment.
set local transaction_isolation to 'repeatable read';

-- name: checked_at()$
-- The moment that it sees.
select now();

-- name: stages(account)
-- Every stage that the portal has or that somebody stands in, with how many do, and how far it was compared.
with directory as (
    select
        entity_type,
        category_id,
        status_id
    from bitrix24_pipeline_stages
    where user_account_id = :account and deleted_at is null
),

-- By the columns of the index, in its order: nothing is sorted, and no row is read.
counted as (
    select
        'lead' as entity_type,
        cast(0 as bigint) as category_id,
        status_id,
        count(*) as entities
    from bitrix24_leads
    where user_account_id = :account and deleted_at is null
    group by bitrix24_leads.status_id
    union all
    select
        'deal' as entity_type,
        category_id,
        stage_id as status_id,
        count(*) as entities
    from bitrix24_deals
    where user_account_id = :account and deleted_at is null and is_recurring is not true
    group by bitrix24_deals.category_id, bitrix24_deals.stage_id
),

standing as (
    select
        entity_type,
        coalesce(category_id, 0) as category_id,
        coalesce(status_id, '') as status_id,
        cast(sum(entities) as bigint) as entities
    from counted
    group by entity_type, coalesce(category_id, 0), coalesce(status_id, '')
),

turn as (
    select
        entity_type,
        category_id,
        status_id,
        read_upto,
        read_at
    from reconciliation_turns
    where user_account_id = :account
)

select
    entity_type,
    category_id,
    status_id,
    coalesce(standing.entities, 0) as entities,
    coalesce(turn.read_upto, 0) as read_upto,
    turn.read_at
from directory
full join standing using (entity_type, category_id, status_id)
left join turn using (entity_type, category_id, status_id)
order by entity_type, category_id, status_id;

-- name: rows_within(account, entities, categories, statuses, after, upto)
-- Who stands in these stages with ids (after, upto]; `place` is the stage's number among those asked for. Each stage has
-- a code, and is looked up by it: joined, all rows of the portal would be read.
with asked as (
    select *
    from unnest(
        cast(:entities as text[]), cast(:categories as bigint[]), cast(:statuses as text[]),
        cast(:after as bigint[]), cast(:upto as bigint[])
    ) with ordinality as windows (entity_type, category_id, status_id, after_id, upto_id, place)
)

select
    asked.place,
    standing.id,
    standing.opportunity,
    standing.currency_id
from asked
cross join lateral (
    select
        id,
        opportunity,
        currency_id
    from bitrix24_leads
    where
        asked.entity_type = 'lead' and asked.category_id = 0
        and user_account_id = :account and status_id = asked.status_id and deleted_at is null
        and id > asked.after_id and id <= coalesce(asked.upto_id, 9223372036854775807)
    union all
    select
        id,
        opportunity,
        currency_id
    from bitrix24_deals
    where
        asked.entity_type = 'deal'
        and user_account_id = :account and category_id = asked.category_id and stage_id = asked.status_id
        and deleted_at is null and is_recurring is not true
        and id > asked.after_id and id <= coalesce(asked.upto_id, 9223372036854775807)
    union all
    -- a deal without a pipeline is in the first one
    select
        id,
        opportunity,
        currency_id
    from bitrix24_deals
    where
        asked.entity_type = 'deal' and asked.category_id = 0
        and user_account_id = :account and category_id is null and stage_id = asked.status_id
        and deleted_at is null and is_recurring is not true
        and id > asked.after_id and id <= coalesce(asked.upto_id, 9223372036854775807)
) as standing;

-- name: standing(account, entity, ids)
-- Where these stand.
select
    id,
    category_id,
    status_id,
    opportunity,
    currency_id,
    date_modify
from bitrix24_standing
where user_account_id = :account and entity_type = :entity and id = any(cast(:ids as bigint[]));

-- name: standing_between(account, entity, after, upto)
-- Where all with ids (after, upto] stand.
select
    id,
    category_id,
    status_id,
    opportunity,
    currency_id,
    date_modify
from bitrix24_standing
where
    user_account_id = :account and entity_type = :entity
    and id > :after and id <= coalesce(cast(:upto as bigint), 9223372036854775807);

-- name: bounds(account, entity, category, status, after, upto, fractions)$
-- The ids that part the rows of a stage into so many parts of about the same size.
select percentile_disc(cast(:fractions as double precision[])) within group (order by id)
from bitrix24_standing
where
    user_account_id = :account and entity_type = :entity and category_id = :category and status_id = :status
    and id > :after and id <= coalesce(cast(:upto as bigint), 9223372036854775807);

-- name: add_row(account, checked_at, entity, category, status, portal_count, our_count, portal_amounts, our_amounts, missing_ids, surplus_ids, differing_ids, rows_compared, is_equal, is_explained, is_repaired, explanation)*!
-- One stage of one check.
insert into reconciliation (
    user_account_id, checked_at, entity_type, category_id, status_id, portal_count, our_count,
    portal_amounts, our_amounts, missing_ids, surplus_ids, differing_ids,
    rows_compared, is_equal, is_explained, is_repaired, explanation
)
values (
    :account, :checked_at, :entity, :category, :status, :portal_count, :our_count,
    :portal_amounts, :our_amounts, :missing_ids, :surplus_ids, :differing_ids,
    :rows_compared, :is_equal, :is_explained, :is_repaired, :explanation
);

-- name: note_compared(account, entity, category, status, read_upto)!
-- How far a large stage was compared; 0 once it is through.
insert into reconciliation_turns (user_account_id, entity_type, category_id, status_id, read_upto)
values (:account, :entity, :category, :status, :read_upto)
on conflict (user_account_id, entity_type, category_id, status_id) do update
set
    read_upto = excluded.read_upto,
    read_at = clock_timestamp();

-- name: prune(account, days)!
-- Checks of long ago.
delete from reconciliation
where user_account_id = :account and checked_at < now() - make_interval(days => :days);

-- name: last_checks()
-- The stages of the last check of each portal, whatever has become of its connection since.
select
    account.name as portal,
    found.checked_at,
    found.entity_type,
    found.category_id,
    found.status_id,
    found.portal_count,
    found.our_count,
    found.missing_ids,
    found.surplus_ids,
    found.differing_ids,
    found.rows_compared,
    found.is_equal,
    found.is_explained,
    found.is_repaired,
    found.explanation
from user_accounts as account
inner join reconciliation as found on account.id = found.user_account_id
where
    found.checked_at = (
        select max(latest.checked_at) from reconciliation as latest
        where latest.user_account_id = account.id
    )
order by account.name, found.entity_type, found.category_id, found.status_id;

-- name: count_within(account, entity, category, status, thresholds)
-- How many stand in a stage with ids above one threshold and up to the next; 0 is below the first.
select
    width_bucket(id - 1, cast(:thresholds as bigint[])) as slice,
    count(*) as entities
from bitrix24_standing
where user_account_id = :account and entity_type = :entity and category_id = :category and status_id = :status
group by slice;
