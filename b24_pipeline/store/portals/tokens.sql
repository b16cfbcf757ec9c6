-- name: access_token(id)$
-- The present access token, locked.
select bitrix24_access_token
from user_accounts
where id = :id;

-- name: bound_hold(patience)$
-- A process that hangs while it holds the tokens loses them sooner than any other session would.
select set_config('idle_in_transaction_session_timeout', :patience, true);

-- name: hold_tokens(id)^
-- The tokens, held: whoever else wants to refresh waits here, and then finds what we stored. `no key` lets rows
-- that refer to the portal in, so that a slow authorization server stops neither syncs nor landing.
select
    bitrix24_access_token,
    bitrix24_refresh_token,
    bitrix24_status,
    extract(epoch from clock_timestamp() - bitrix24_refresh_failed_at)::float
from user_accounts
where id = :id
for no key update;

-- name: rotate(id, access_token, refresh_token, expires_at)!
-- The pair that took the place of the old one.
update user_accounts
set
    bitrix24_access_token = :access_token,
    bitrix24_refresh_token = :refresh_token,
    bitrix24_token_expires_at = :expires_at,
    bitrix24_refresh_failed_at = null
where id = :id;

-- name: note_refusal(id)!
-- The first refusal in a row begins the pause.
update user_accounts
set bitrix24_refresh_failed_at = clock_timestamp()
where id = :id;

-- name: require_authorization(id, reason)!
-- Refused again after the pause: asking on would not mend it, and might get the application blocked.
update user_accounts
set
    bitrix24_status = 'reauthorization_required',
    bitrix24_status_reason = :reason
where id = :id;
