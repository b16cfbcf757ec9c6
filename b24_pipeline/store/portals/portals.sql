-- name: portals()
-- Every portal, by name.
select
    id,
    name,
    bitrix24_domain as domain,
    bitrix24_entity_type as entity_type,
    bitrix24_plan as plan,
    bitrix24_status as status,
    bitrix24_time_zone as time_zone,
    bitrix24_webhook_url as locked_webhook_url,
    bitrix24_member_id as member_id,
    case when bitrix24_refresh_token is null then 'webhook' else 'oauth' end as connected_by,
    bitrix24_status_reason as status_reason,
    bitrix24_user_id as user_id,
    bitrix24_connected_at as connected_at,
    bitrix24_token_expires_at as token_expires_at,
    bitrix24_application_token as locked_application_token,
    bitrix24_user_is_admin as user_is_admin,
    bitrix24_disconnected_at as disconnected_at,
    bitrix24_paused_at as paused_at
from user_accounts
order by name;

-- name: save_webhook(id, name, domain, webhook_url, application_token, entity_type, plan, user_id, time_zone)!
-- A portal connected by a webhook credential, new or renewed. It takes the place of OAuth tokens; an application
-- token that is not given again stays. It proves no identity: at another address the former one does not count.
insert into user_accounts (
    id, name, bitrix24_domain, bitrix24_webhook_url, bitrix24_application_token, bitrix24_entity_type,
    bitrix24_plan, bitrix24_user_id, bitrix24_time_zone, bitrix24_connected_at, bitrix24_status
)
values (
    :id, :name, :domain, :webhook_url, :application_token, :entity_type,
    :plan, :user_id, :time_zone, now(), 'connected'
)
on conflict (id) do update
set
    bitrix24_domain = excluded.bitrix24_domain,
    bitrix24_member_id = case
        when user_accounts.bitrix24_domain = excluded.bitrix24_domain then user_accounts.bitrix24_member_id
    end,
    bitrix24_webhook_url = excluded.bitrix24_webhook_url,
    bitrix24_application_token = coalesce(
        excluded.bitrix24_application_token, user_accounts.bitrix24_application_token
    ),
    bitrix24_access_token = null,
    bitrix24_refresh_token = null,
    bitrix24_token_expires_at = null,
    bitrix24_refresh_failed_at = null,
    bitrix24_entity_type = excluded.bitrix24_entity_type,
    bitrix24_plan = excluded.bitrix24_plan,
    bitrix24_user_id = excluded.bitrix24_user_id,
    bitrix24_user_is_admin = null,
    bitrix24_time_zone = excluded.bitrix24_time_zone,
    bitrix24_connected_at = now(),
    bitrix24_disconnected_at = null,
    bitrix24_paused_at = null,
    bitrix24_status = 'connected',
    bitrix24_status_reason = null;

-- name: note_admin(id, is_admin)!
-- Whether the owner of the portal's credential is an administrator of it.
update user_accounts set bitrix24_user_is_admin = :is_admin where id = :id;

-- name: save_oauth(id, name, domain, member_id, access_token, refresh_token, expires_at, user_id, user_is_admin, application_token, entity_type, plan, time_zone)!
-- A portal connected by OAuth, new or again. It takes the place of a webhook credential.
insert into user_accounts (
    id, name, bitrix24_domain, bitrix24_member_id, bitrix24_access_token, bitrix24_refresh_token,
    bitrix24_token_expires_at, bitrix24_user_id, bitrix24_user_is_admin, bitrix24_application_token,
    bitrix24_entity_type, bitrix24_plan, bitrix24_time_zone, bitrix24_connected_at,
    bitrix24_application_proved_at, bitrix24_status
)
values (
    :id, :name, :domain, :member_id, :access_token, :refresh_token,
    :expires_at, :user_id, :user_is_admin, :application_token, :entity_type,
    :plan, :time_zone, now(), case when cast(:application_token as text) is not null then now() end, 'connected'
)
on conflict (id) do update
set
    bitrix24_domain = excluded.bitrix24_domain,
    bitrix24_member_id = excluded.bitrix24_member_id,
    bitrix24_access_token = excluded.bitrix24_access_token,
    bitrix24_refresh_token = excluded.bitrix24_refresh_token,
    bitrix24_token_expires_at = excluded.bitrix24_token_expires_at,
    bitrix24_refresh_failed_at = null,
    bitrix24_user_id = excluded.bitrix24_user_id,
    bitrix24_user_is_admin = excluded.bitrix24_user_is_admin,
    bitrix24_webhook_url = null,
    bitrix24_application_token = coalesce(
        excluded.bitrix24_application_token, user_accounts.bitrix24_application_token
    ),
    bitrix24_application_proved_at = coalesce(
        excluded.bitrix24_application_proved_at, user_accounts.bitrix24_application_proved_at
    ),
    bitrix24_entity_type = excluded.bitrix24_entity_type,
    bitrix24_plan = excluded.bitrix24_plan,
    bitrix24_time_zone = excluded.bitrix24_time_zone,
    bitrix24_connected_at = now(),
    bitrix24_disconnected_at = null,
    bitrix24_paused_at = null,
    bitrix24_status = 'connected',
    bitrix24_status_reason = null;

-- name: hold_account(name)$
-- An account of this name, held until the end of the transaction, so that no disconnect comes between.
select id
from user_accounts
where name = :name
for no key update;

-- name: set_first_application_token(id, application_token)!
-- What proves inbound events, where nothing has told it yet: what an event brings replaces nothing.
update user_accounts
set
    bitrix24_application_token = coalesce(bitrix24_application_token, :application_token),
    bitrix24_application_proved_at = now()
where id = :id;

-- name: set_status(id, status, reason)!
-- The status and why; nothing is written where both are so already. What a person has paused goes on by a person alone, or
-- is disconnected.
update user_accounts
set
    bitrix24_status = :status,
    bitrix24_status_reason = :reason
where
    id = :id
    and (bitrix24_status, bitrix24_status_reason) is distinct from (:status, :reason)
    and (bitrix24_paused_at is null or :status = 'disconnected');

-- name: set_domain(id, domain)!
-- The same portal at a new address.
update user_accounts
set bitrix24_domain = :domain
where id = :id;

-- name: set_entity_type(id, entity_type)!
-- What is counted as its funnel.
update user_accounts
set bitrix24_entity_type = :entity_type
where id = :id;

-- name: disconnect(id)!
-- Secrets go, data stays.
update user_accounts
set
    bitrix24_disconnected_at = clock_timestamp(),
    bitrix24_paused_at = null,
    bitrix24_webhook_url = null,
    bitrix24_access_token = null,
    bitrix24_refresh_token = null,
    bitrix24_application_token = null,
    bitrix24_token_expires_at = null,
    bitrix24_refresh_failed_at = null,
    bitrix24_status = 'disconnected',
    bitrix24_status_reason = null
where id = :id;

-- name: purge(id)!
-- The portal and, by the foreign keys, everything of it; its name is remembered, for the invitations that are out.
with gone as (
    delete from user_accounts
    where id = :id
    returning name
)

insert into bitrix24_purged_accounts (name, purged_at)
select
    name,
    clock_timestamp()
from gone
on conflict (name) do update
set purged_at = excluded.purged_at;

-- name: purged_at(name)$
-- When an account of this name was deleted last; no row where none was.
select purged_at
from bitrix24_purged_accounts
where name = :name;

-- name: hold_secrets(id)^
-- The secrets of one portal, held so that no refresh comes between reading and writing them.
select
    bitrix24_access_token,
    bitrix24_refresh_token,
    bitrix24_webhook_url,
    bitrix24_application_token
from user_accounts
where id = :id
for no key update;

-- name: secrets(id)^
-- The secrets of one portal, read without holding them.
select
    bitrix24_access_token,
    bitrix24_refresh_token,
    bitrix24_webhook_url,
    bitrix24_application_token
from user_accounts
where id = :id;

-- name: write_secrets(id, access_token, refresh_token, webhook_url, application_token)!
-- Writes the secrets again, encrypted with another key.
update user_accounts
set
    bitrix24_access_token = :access_token,
    bitrix24_refresh_token = :refresh_token,
    bitrix24_webhook_url = :webhook_url,
    bitrix24_application_token = :application_token
where id = :id;
