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
-- Who may send events: the token of a portal, encrypted.
select
    id,
    bitrix24_member_id,
    bitrix24_application_token
from user_accounts
where bitrix24_application_token is not null;

-- name: other_tokens()
-- And the digests of all tokens that prove its events.
select
    a.id,
    a.bitrix24_member_id,
    t.digest
from bitrix24_application_tokens as t
inner join user_accounts as a on t.user_account_id = a.id;

-- name: provable()
-- Portals whose identity is proved. An event of them with a token that is not known may be proved by its access token,
-- where the portal is connected by OAuth: a browser brought no application token along, and an application that was
-- added anew has another one.
select
    bitrix24_member_id,
    bitrix24_refresh_token is not null and bitrix24_status = 'connected'
from user_accounts
where bitrix24_member_id is not null;
