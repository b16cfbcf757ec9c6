-- name: pause(id)!
-- From now on nothing is asked of it.
update user_accounts
set
    bitrix24_paused_at = clock_timestamp(),
    bitrix24_status = 'paused',
    bitrix24_status_reason = 'a person has paused it'
where id = :id and bitrix24_status in ('connected', 'paused');

-- name: resume(id)!
-- A person lets it go on.
update user_accounts
set
    bitrix24_paused_at = null,
    bitrix24_status = 'connected',
    bitrix24_status_reason = null
where id = :id and bitrix24_status = 'paused' and bitrix24_paused_at is not null;
