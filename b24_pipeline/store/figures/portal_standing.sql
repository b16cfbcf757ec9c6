-- name: running(accounts)
-- The syncs that are at work now, and those that ended within the last quarter of an hour, by portal and entity.
select distinct on (log.user_account_id, log.entity_type)
    log.user_account_id as account,
    log.entity_type,
    log.sync_status,
    log.rows_read,
    log.started_at,
    log.finished_at,
    log.error_message
from bitrix24_sync_log as log
where
    log.user_account_id = any(:accounts)
    and (
        log.finished_at > now() - interval '15 minutes'
        or (log.sync_status = 'running' and log.started_at > now() - interval '1 day')
    )
order by log.user_account_id asc, log.entity_type asc, log.id desc;
