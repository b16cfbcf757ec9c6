-- name: is_due()$
-- Whether any connected portal has events to be drained now.
select exists(
    select
    from bitrix24_webhook_events as e
    inner join user_accounts as a on e.user_account_id = a.id
    where e.status = 'pending' and b24_is_due(e.next_try_at, e.received_at) and a.bitrix24_status = 'connected'
);

-- name: events_of_paused()
-- How many events wait for each portal that a person has paused.
select
    a.name,
    count(*) as events
from user_accounts as a
inner join bitrix24_webhook_events as e on a.id = e.user_account_id
where a.bitrix24_status = 'paused' and e.status = 'pending'
group by a.name
order by a.name;

-- name: due_accounts()
-- The connected portals that have some.
select a.id
from user_accounts as a
where
    a.bitrix24_status = 'connected'
    and exists (
        select
        from bitrix24_webhook_events as e
        where e.user_account_id = a.id and e.status = 'pending' and b24_is_due(e.next_try_at, e.received_at)
    );

-- name: last_event()$
-- What a pass that begins now will drain; what lands later is the next one's.
select coalesce(max(id), 0) from bitrix24_webhook_events
where status = 'pending';

-- name: be_patient()$
-- The fetch of what a drain has claimed lasts as long as the portal's budget makes it wait.
select set_config('idle_in_transaction_session_timeout', '15min', true);

-- name: make_claimed()#
-- Emptied at each commit.
create temporary table if not exists claimed_events (
    id bigint primary key,
    entity_type text,
    entity_id bigint,
    is_deletion boolean not null
) on commit delete rows;

-- name: loop_joins(allowed)$
-- The landing table fills and empties faster than its statistics follow: whoever takes it for empty joins
-- it by loops, for minutes.
select set_config('enable_nestloop', :allowed, true);

-- name: claim_objects(account, upto, events, objects)!
-- The objects that have waited longest among the first so many due events, each with all of its due events.
with due as materialized (
    select
        id,
        entity_type,
        entity_id
    from bitrix24_webhook_events
    where
        user_account_id = :account and status = 'pending' and b24_is_due(next_try_at, received_at)
        and entity_id is not null and id <= :upto
    order by next_try_at, id
    limit :events
),

chosen as (
    select
        entity_type,
        entity_id
    from due
    group by entity_type, entity_id
    order by min(id)
    limit :objects
)

insert into claimed_events (id, entity_type, entity_id, is_deletion)
select
    e.id,
    e.entity_type,
    e.entity_id,
    e.event ~ '^ONCRM.*DELETE(_[0-9]+)?$'
from bitrix24_webhook_events as e
where
    e.user_account_id = :account and e.status = 'pending' and b24_is_due(e.next_try_at, e.received_at) and e.id <= :upto
    and (e.entity_type, e.entity_id) in (
        select
            c.entity_type,
            c.entity_id
        from chosen as c
    )
for update skip locked;

-- name: claim_field_events(account, upto)!
-- Events that say that the field catalogue has changed.
insert into claimed_events (id, entity_type, entity_id, is_deletion)
select
    id,
    null,
    null,
    false
from bitrix24_webhook_events
where
    user_account_id = :account and status = 'pending' and b24_is_due(next_try_at, received_at)
    and entity_id is null and id <= :upto
    and event ~ '^ONCRM((LEAD|DEAL|CONTACT|COMPANY|QUOTE|TYPE)USERFIELD|TYPE(ADD|UPDATE|DELETE)$)'
for update skip locked;

-- name: ignore_rest(account, upto)!
-- Events that name nothing to fetch, or an entity that is not read of this portal.
update bitrix24_webhook_events
set
    status = 'ignored',
    handled_at = clock_timestamp()
where
    user_account_id = :account and status = 'pending' and b24_is_due(next_try_at, received_at)
    and id <= :upto
    and case
        when entity_id is null then
            event !~ '^ONCRM((LEAD|DEAL|CONTACT|COMPANY|QUOTE|TYPE)USERFIELD|TYPE(ADD|UPDATE|DELETE)$)'
        else
            entity_type not in ('lead', 'deal', 'contact', 'company')
            and entity_type not in (
                select chosen.entity_type
                from bitrix24_chosen_entities as chosen
                where chosen.user_account_id = :account
            )
    end;

-- name: analyze_claimed()#
-- The planner must not take it for empty.
analyze claimed_events;

-- name: claimed_objects()
-- What is to be fetched.
select
    entity_type,
    entity_id,
    bool_or(is_deletion) as is_deleted,
    count(*) as events
from claimed_events
group by entity_type, entity_id
order by min(id);

-- name: set_aside(entity_types, entity_ids, errors, first_seconds, growth, most_attempts)!
-- These could not be fetched or stored: tried again later, and later still, then given up. They are not
-- claimed any more.
with failed as (
    delete from claimed_events as c
    using unnest(
        cast(:entity_types as text[]), cast(:entity_ids as bigint[]), cast(:errors as text[])
    ) as f (entity_type, entity_id, error)
    where c.entity_type = f.entity_type and c.entity_id = f.entity_id
    returning c.id, f.error
)

update bitrix24_webhook_events as e
set
    attempts = e.attempts + 1,
    error = failed.error,
    next_try_at = clock_timestamp() + make_interval(secs => :first_seconds * :growth ^ e.attempts),
    status = case when e.attempts + 1 >= :most_attempts then 'failed' else 'pending' end,
    handled_at = case when e.attempts + 1 >= :most_attempts then clock_timestamp() end
from failed
where e.id = failed.id;

-- name: fail_fields(error, first_seconds, growth, most_attempts)!
-- All claimed events of the field catalogue have failed once more: tried again later, or given up.
with failed as (
    delete from claimed_events
    where entity_id is null
    returning id
)

update bitrix24_webhook_events as e
set
    attempts = e.attempts + 1,
    error = :error,
    next_try_at = clock_timestamp() + make_interval(secs => :first_seconds * :growth ^ e.attempts),
    status = case when e.attempts + 1 >= :most_attempts then 'failed' else 'pending' end,
    handled_at = case when e.attempts + 1 >= :most_attempts then clock_timestamp() end
from failed
where e.id = failed.id;

-- name: postpone(seconds, error)!
-- The portal cannot be read at the moment, which is no fault of its events.
update bitrix24_webhook_events as e
set
    error = :error,
    next_try_at = clock_timestamp() + make_interval(secs => :seconds)
from claimed_events as c
where e.id = c.id;

-- name: done()!
-- In the transaction of the rows. The objects were fetched after it began, so its beginning says as of when they are known.
update bitrix24_webhook_events as e
set
    status = 'done',
    error = null,
    handled_at = now()
from claimed_events as c
where e.id = c.id;

-- name: has_moved(account, entity, ids)$
-- Whether any of these stands where its known moves do not lead.
select exists(
    select
    from bitrix24_positions as p
    left join lateral (
        select max(h.changed_at) as changed_at
        from bitrix24_status_history as h
        where
            h.user_account_id = p.user_account_id
            and h.entity_type = p.entity_type
            and h.entity_id = p.entity_id
    ) as known on true
    where
        p.user_account_id = :account and p.entity_type = :entity and p.entity_id = any(:ids)
        and (known.changed_at is null or p.moved_at > known.changed_at)
);

-- name: note_gone(account, entity, scope, ids)!
-- Objects that the portal does not have any more.
insert into bitrix24_vanished (user_account_id, entity_type, scope, id)
select
    :account,
    :entity,
    :scope,
    gone.id
from unnest(cast(:ids as bigint[])) as gone (id)
on conflict do nothing;

-- name: stamp_anew(account, leads, deals, contacts, item_types, items)!
-- Objects and moves that this transaction has stored get the present moment: it waited for the portal since. Whatever
-- follows the copy looks back from the newest stamp by two minutes only.
with stamped_leads as (
    update bitrix24_leads
    set loaded_at = clock_timestamp()
    where user_account_id = :account and id = any(:leads) and loaded_at >= now()
),

stamped_deals as (
    update bitrix24_deals
    set loaded_at = clock_timestamp()
    where user_account_id = :account and id = any(:deals) and loaded_at >= now()
),

stamped_items as (
    update bitrix24_items
    set loaded_at = clock_timestamp()
    where
        user_account_id = :account and loaded_at >= now()
        and (entity_type, id) in (
            select
                named.entity_type,
                named.id
            from unnest(cast(:item_types as text[]), cast(:items as bigint[])) as named (entity_type, id)
        )
),

stamped_contacts as (
    update bitrix24_contacts
    set loaded_at = clock_timestamp()
    where user_account_id = :account and id = any(:contacts) and loaded_at >= now()
)

update bitrix24_status_history
set loaded_at = clock_timestamp()
where user_account_id = :account and loaded_at >= now();

-- name: replay(since, accounts)!
-- Events that landed since then are to be drained again.
update bitrix24_webhook_events
set
    status = 'pending',
    attempts = 0,
    error = null,
    next_try_at = clock_timestamp(),
    handled_at = null
where
    received_at >= :since and status in ('done', 'failed')
    and user_account_id = any(:accounts)
    and event not in ('ONAPPINSTALL', 'ONAPPUNINSTALL');

-- name: prune(days, most)!
-- Handled events are kept for a replay and for questions, not for ever.
delete from bitrix24_webhook_events
where id in (
    select id
    from bitrix24_webhook_events
    where status in ('done', 'ignored') and handled_at < now() - make_interval(days => :days)
    order by id
    limit :most
);
