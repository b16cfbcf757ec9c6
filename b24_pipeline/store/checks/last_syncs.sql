-- name: last_syncs()
-- The last sync of each entity of each portal. One that says it is running was cut off
-- if its page is older than any page takes.
with latest as (
    select distinct on (a.name, l.entity_type)
        l.user_account_id,
        a.name as portal,
        l.entity_type,
        l.sync_type,
        l.sync_status,
        l.rows_read,
        l.rows_changed,
        l.rows_deleted,
        l.values_set_aside,
        l.rows_left_out,
        l.requests,
        l.operating_seconds,
        l.started_at,
        l.finished_at,
        l.error_code,
        l.error_message,
        c.watermark as cursor_watermark,
        l.sync_status = 'running'
        and greatest(l.started_at, (
            select max(w.updated_at) from bitrix24_loads as w
            where w.user_account_id = l.user_account_id and w.entity_type = l.entity_type
        )) < now() - interval '10 minutes' as is_abandoned
    from bitrix24_sync_log as l
    inner join user_accounts as a on l.user_account_id = a.id
    left join bitrix24_cursors as c on l.user_account_id = c.user_account_id and l.entity_type = c.entity_type
    order by a.name asc, l.entity_type asc, l.id desc
)

select
    portal,
    entity_type,
    sync_type,
    sync_status,
    rows_read,
    rows_changed,
    rows_deleted,
    values_set_aside,
    rows_left_out,
    requests,
    operating_seconds,
    started_at,
    finished_at,
    error_code,
    error_message,
    cursor_watermark,
    is_abandoned
from latest
where b24_is_read(user_account_id, entity_type)
order by portal asc, entity_type asc;

-- name: failed_comparisons()
-- The last reconciliation of each entity of each connected portal, where it failed:
-- a later sync of the entity does not mend it.
select
    portal,
    entity_type,
    error_message
from (
    select distinct on (a.name, l.entity_type)
        a.name as portal,
        l.user_account_id,
        l.entity_type,
        l.sync_status,
        l.error_message
    from bitrix24_sync_log as l
    inner join user_accounts as a on l.user_account_id = a.id
    where l.sync_type = 'reconcile' and l.finished_at is not null and a.bitrix24_status = 'connected'
    order by a.name asc, l.entity_type asc, l.id desc
) as latest
where sync_status = 'failed' and b24_is_read(user_account_id, entity_type)
order by portal, entity_type;

-- name: buckets()
-- Request buckets that are not empty.
select
    bucket,
    greatest(extract(epoch from tat - greatest(updated_at, clock_timestamp())), 0)::double precision as seconds_full,
    updated_at
from bitrix24_budget
order by bucket;

-- name: models_built()$
-- Whether the models were built at least once.
select to_regclass('analytics.funnel_stats') is not null;

-- name: figures_counted()
-- When the models last took in what was read, and since when something waits that they have not seen. On another server
-- than theirs they are built anew, so that all of it waits.
with built as (
    select
        built_at,
        split_part(state, ' ', 1) as server,
        cast(split_part(state, ' ', 2) as pg_snapshot) as snapshot
    from bitrix24_model_sources
    where schema_name = 'analytics' and relation = 'public.bitrix24_changes'
),

unseen as (
    select min(changes.changed_at) as waiting_since
    from bitrix24_changes as changes
    cross join built
    where
        changes.changed_in >= pg_snapshot_xmin(built.snapshot)
        and not pg_visible_in_snapshot(changes.changed_in, built.snapshot)
)

select
    built.built_at as counted_at,
    case
        when built.server = cast(server.system_identifier as text) then unseen.waiting_since
        else built.built_at
    end as waiting_since
from built
cross join unseen
cross join pg_control_system() as server;
