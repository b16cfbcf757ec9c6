-- name: add(name, role, key_sha256, is_limited, portals)!
-- A key, and the portals that it is limited to.
with added as (
    insert into bitrix24_access_keys (name, role, key_sha256, is_limited)
    values (:name, :role, :key_sha256, :is_limited)
    returning id
)

insert into bitrix24_access_key_portals (access_key_id, user_account_id)
select
    added.id as access_key_id,
    portal as user_account_id
from added
cross join unnest(cast(:portals as uuid[])) as portal;

-- name: keys()
-- Keys that are not revoked, with the names of the portals that a limited one sees.
select
    access_key.name,
    access_key.role,
    access_key.is_limited,
    access_key.created_at,
    access_key.last_used_at,
    array(
        select account.name
        from bitrix24_access_key_portals as seen
        inner join user_accounts as account on seen.user_account_id = account.id
        where seen.access_key_id = access_key.id
        order by account.name
    ) as portals
from bitrix24_access_keys as access_key
where access_key.revoked_at is null
order by lower(access_key.name);

-- name: revoke(name)!
-- From now on the key is none.
update bitrix24_access_keys set revoked_at = now()
where lower(name) = lower(:name) and revoked_at is null;

-- name: holder(key_sha256)
-- Whose key it is, unless it is revoked, and the portals that a limited one sees.
select
    access_key.name,
    access_key.role,
    case
        when access_key.is_limited then array(
            select seen.user_account_id
            from bitrix24_access_key_portals as seen
            where seen.access_key_id = access_key.id
        )
    end as portals
from bitrix24_access_keys as access_key
where access_key.key_sha256 = :key_sha256 and access_key.revoked_at is null;

-- name: note_use(key_sha256)!
-- Not oftener than once a minute: a program that asks all the time should not write all the time.
update bitrix24_access_keys set last_used_at = now()
where
    key_sha256 = :key_sha256
    and revoked_at is null
    and (last_used_at is null or last_used_at < now() - interval '1 minute');
