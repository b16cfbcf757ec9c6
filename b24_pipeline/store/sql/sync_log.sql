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

-- name: latest()
-- The last sync of each entity of each portal.
select distinct on (user_accounts.name, bitrix24_sync_log.entity_type)
    user_accounts.name as portal,
    bitrix24_sync_log.entity_type,
    bitrix24_sync_log.sync_type,
    bitrix24_sync_log.sync_status,
    bitrix24_sync_log.rows_read,
    bitrix24_sync_log.rows_changed,
    bitrix24_sync_log.rows_deleted,
    bitrix24_sync_log.values_set_aside,
    bitrix24_sync_log.watermark,
    bitrix24_sync_log.started_at,
    bitrix24_sync_log.finished_at,
    bitrix24_sync_log.error_code,
    bitrix24_sync_log.error_message
from bitrix24_sync_log
inner join user_accounts on bitrix24_sync_log.user_account_id = user_accounts.id
order by user_accounts.name asc, bitrix24_sync_log.entity_type asc, bitrix24_sync_log.id desc;

-- name: last_success(account)$
-- When a sync of the portal last ended well.
select max(finished_at)
from bitrix24_sync_log
where user_account_id = :account and sync_status = 'success';
