-- name: begin(account, entity, sync_type, run_id)$
-- A sync begins.
insert into bitrix24_sync_log (user_account_id, entity_type, sync_type, sync_status, run_id)
values (:account, :entity, :sync_type, 'running', :run_id)
returning id;

-- name: finish(id, sync_status, rows_read, rows_changed, rows_deleted, values_set_aside, requests, operating_seconds, watermark, error_code, error_message)!
-- It ended, well or not.
update bitrix24_sync_log
set
    sync_status = :sync_status,
    rows_read = :rows_read,
    rows_changed = :rows_changed,
    rows_deleted = :rows_deleted,
    values_set_aside = :values_set_aside,
    requests = :requests,
    operating_seconds = :operating_seconds,
    watermark = :watermark,
    error_code = :error_code,
    error_message = :error_message,
    finished_at = clock_timestamp()
where id = :id;

-- name: note(account, entity, sync_type, run_id, rows_read, rows_changed, rows_deleted, values_set_aside, requests, operating_seconds, seconds)!
-- A sync that is stored together with its rows: it worked, or there is no trace of it.
insert into bitrix24_sync_log (
    user_account_id, entity_type, sync_type, sync_status, run_id, rows_read, rows_changed, rows_deleted,
    values_set_aside, requests, operating_seconds, started_at, finished_at
)
values (
    :account, :entity, :sync_type, 'success', :run_id, :rows_read, :rows_changed, :rows_deleted,
    :values_set_aside, :requests, :operating_seconds,
    clock_timestamp() - make_interval(secs => :seconds), clock_timestamp()
);
