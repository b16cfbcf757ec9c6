-- name: begin(account, entity, sync_type, run_id)$
-- A sync begins.
insert into bitrix24_sync_log (user_account_id, entity_type, sync_type, sync_status, run_id)
values (:account, :entity, :sync_type, 'running', :run_id)
returning id;

-- name: finish(id, sync_status, rows_read, rows_changed, rows_deleted, values_set_aside, rows_left_out, requests, operating_seconds, watermark, error_code, error_message)!
-- It ended, well or not.
update bitrix24_sync_log
set
    sync_status = :sync_status,
    rows_read = :rows_read,
    rows_changed = :rows_changed,
    rows_deleted = :rows_deleted,
    values_set_aside = :values_set_aside,
    rows_left_out = :rows_left_out,
    requests = :requests,
    operating_seconds = :operating_seconds,
    watermark = :watermark,
    error_code = :error_code,
    error_message = :error_message,
    finished_at = clock_timestamp()
where id = :id;

-- name: close_killed(account, entity, seconds)!
-- Whoever holds the lock of an entity knows: a sync of it that began longer ago than anybody waits for the lock, and
-- did not end, was killed.
update bitrix24_sync_log
set
    sync_status = 'failed',
    finished_at = clock_timestamp(),
    error_code = 'Killed',
    error_message = 'its process was killed; what it had stored is there, and the next sync went on from it'
where
    user_account_id = :account and entity_type = :entity and sync_status = 'running'
    and started_at < clock_timestamp() - make_interval(secs => :seconds);

-- name: note(account, entity, sync_type, run_id, rows_read, rows_changed, rows_deleted, values_set_aside, rows_left_out, requests, operating_seconds, seconds)!
-- A sync that is stored together with its rows: it worked, or there is no trace of it.
insert into bitrix24_sync_log (
    user_account_id, entity_type, sync_type, sync_status, run_id, rows_read, rows_changed, rows_deleted,
    values_set_aside, rows_left_out, requests, operating_seconds, started_at, finished_at
)
values (
    :account, :entity, :sync_type, 'success', :run_id, :rows_read, :rows_changed, :rows_deleted,
    :values_set_aside, :rows_left_out, :requests, :operating_seconds,
    clock_timestamp() - make_interval(secs => :seconds), clock_timestamp()
);

-- name: prune(days, kept_days, most)!
-- Old rows of syncs that found nothing, and very old ones of all, also of those that were killed; the last of each
-- entity stays.
delete from bitrix24_sync_log as old
where
    old.id in (
        select l.id
        from bitrix24_sync_log as l
        where
            coalesce(l.finished_at, l.started_at) < clock_timestamp() - make_interval(days => :days)
            and (
                coalesce(l.finished_at, l.started_at) < clock_timestamp() - make_interval(days => :kept_days)
                or (l.sync_status = 'success' and l.rows_changed = 0 and l.rows_deleted = 0)
            )
        order by l.id
        limit :most
    )
    and exists (
        select
        from bitrix24_sync_log as newer
        where
            newer.user_account_id = old.user_account_id and newer.entity_type = old.entity_type
            and newer.sync_type = old.sync_type and newer.id > old.id
    );

-- name: whole_reads(account)
-- What the latest whole reads of a portal's lists have cost.
select
    coalesce(sum(latest.requests), 0)::bigint as requests,
    coalesce(sum(latest.operating_seconds), 0) as operating_seconds,
    coalesce(sum(extract(epoch from latest.finished_at - latest.started_at)), 0)::double precision as seconds
from (
    select
        requests,
        operating_seconds,
        started_at,
        finished_at
    from bitrix24_sync_log
    where user_account_id = :account and sync_type = 'full' and sync_status = 'success' and requests > 0
    order by id desc
    limit 20
) as latest;
