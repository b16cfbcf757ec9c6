-- name: land(rows)!
-- Events of one moment. One that is handled by landing (the application was removed) is done at once.
insert into bitrix24_webhook_events (
    user_account_id, member_id, event, entity_type, entity_id, payload, status, handled_at
)
select
    e.account,
    e.member_id,
    e.event,
    e.entity_type,
    e.entity_id,
    e.payload,
    e.status,
    case when e.status = 'done' then clock_timestamp() end
from
    jsonb_to_recordset(cast(:rows as jsonb)) as e (
        account uuid, member_id text, event text, entity_type text, entity_id bigint, payload jsonb, status text
    );

-- name: patience(milliseconds)$
-- Who sent the events waits for the answer.
select
    set_config('statement_timeout', :milliseconds, true),
    set_config('lock_timeout', :milliseconds, true);

-- name: forget_tokens(accounts)!
-- The application was removed: its tokens are worth nothing, and must not be kept. A portal that has
-- a webhook credential too is still read by that.
update user_accounts
set
    bitrix24_access_token = null,
    bitrix24_refresh_token = null,
    bitrix24_application_token = null,
    bitrix24_token_expires_at = null,
    bitrix24_status = case when bitrix24_webhook_url is null then 'disconnected' else bitrix24_status end,
    bitrix24_status_reason = case
        when bitrix24_webhook_url is null then 'the application was removed in the portal'
        else bitrix24_status_reason
    end
where id = any(:accounts);

-- name: senders()
-- Who may send events, and what proves it.
select
    id,
    bitrix24_member_id,
    bitrix24_application_token
from user_accounts
where bitrix24_application_token is not null;

-- name: awaiting_proof()
-- Portals that a browser connected: what proves their events comes with the first of them. That may be
-- another token than the one we know, where the application was added anew.
select bitrix24_member_id
from user_accounts
where
    bitrix24_refresh_token is not null
    and bitrix24_member_id is not null and bitrix24_status = 'connected'
    and (bitrix24_application_proved_at >= bitrix24_connected_at) is not true;

-- name: adopt_member_id(account, member_id)!
-- A portal connected by a webhook credential learns its identity from the first event that is proved.
update user_accounts
set bitrix24_member_id = :member_id
where
    id = :account and bitrix24_member_id is null
    and not exists (select from user_accounts as other where other.bitrix24_member_id = :member_id);
