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
    bitrix24_webhook_url as locked_webhook_url
from user_accounts
order by name;

-- name: save_webhook(id, name, domain, webhook_url, entity_type, plan, user_id, time_zone)!
-- A portal connected by a webhook credential, new or renewed.
insert into user_accounts (
    id, name, bitrix24_domain, bitrix24_webhook_url, bitrix24_entity_type, bitrix24_plan,
    bitrix24_user_id, bitrix24_time_zone, bitrix24_connected_at, bitrix24_status
)
values (
    :id, :name, :domain, :webhook_url, :entity_type, :plan, :user_id, :time_zone, now(), 'connected'
)
on conflict (id) do update
set
    bitrix24_domain = excluded.bitrix24_domain,
    bitrix24_webhook_url = excluded.bitrix24_webhook_url,
    bitrix24_entity_type = excluded.bitrix24_entity_type,
    bitrix24_plan = excluded.bitrix24_plan,
    bitrix24_user_id = excluded.bitrix24_user_id,
    bitrix24_time_zone = excluded.bitrix24_time_zone,
    bitrix24_connected_at = now(),
    bitrix24_status = 'connected';

-- name: disconnect(id)!
-- Secrets go, data stays.
update user_accounts
set
    bitrix24_webhook_url = null,
    bitrix24_access_token = null,
    bitrix24_refresh_token = null,
    bitrix24_application_token = null,
    bitrix24_token_expires_at = null,
    bitrix24_status = 'disconnected'
where id = :id;

-- name: purge(id)!
-- The portal and, by the foreign keys, everything of it.
delete from user_accounts
where id = :id;
