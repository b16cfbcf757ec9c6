-- name: begin(id_sha256, key_sha256, operator_proof, user_account_id, portal_user_id, role, seconds)!
-- A session of whoever was recognised; none where the key was revoked meanwhile.
insert into bitrix24_sessions (
    id_sha256, access_key_id, operator_proof, user_account_id, portal_user_id, role, ends_at
)
select
    :id_sha256,
    access_key.id,
    cast(:operator_proof as bytea),
    cast(:user_account_id as uuid),
    cast(:portal_user_id as bigint),
    cast(:role as text),
    now() + make_interval(secs => :seconds)
from (values (cast(:key_sha256 as bytea))) as given (key_sha256)
left join bitrix24_access_keys as access_key
    on given.key_sha256 = access_key.key_sha256 and access_key.revoked_at is null
where given.key_sha256 is null or access_key.id is not null;

-- name: delete_ended()!
-- Those whose time is over, or whose key was revoked.
delete from bitrix24_sessions
where
    ends_at <= now()
    or access_key_id in (
        select revoked.id
        from bitrix24_access_keys as revoked
        where revoked.revoked_at is not null
    );

-- name: end(id_sha256)!
-- Signed out.
delete from bitrix24_sessions
where id_sha256 = :id_sha256;

-- name: session(id_sha256)
-- Whose session it is, as long as it lasts, its key is not revoked, and the portal that sent a guest is connected.
select
    session.operator_proof,
    -- of a guest never; of others not oftener than once a minute
    session.portal_user_id is null and session.used_at < now() - interval '1 minute' as is_to_be_renewed,
    coalesce(access_key.name, account.name || ' user ' || session.portal_user_id, '') as name,
    coalesce(access_key.role, session.role, 'admin') as role,
    account.bitrix24_domain as domain,
    case
        when session.user_account_id is not null then array[session.user_account_id]
        when access_key.is_limited then array(
            select seen.user_account_id
            from bitrix24_access_key_portals as seen
            where seen.access_key_id = access_key.id
        )
    end as portals
from bitrix24_sessions as session
left join bitrix24_access_keys as access_key on session.access_key_id = access_key.id
left join user_accounts as account on session.user_account_id = account.id
where
    session.id_sha256 = :id_sha256
    and session.ends_at > now()
    and access_key.revoked_at is null
    and (session.user_account_id is null or account.bitrix24_status <> 'disconnected');

-- name: renew(id_sha256, seconds)!
-- It was used, and lasts so long from now on.
update bitrix24_sessions
set used_at = now(), ends_at = now() + make_interval(secs => :seconds)
where id_sha256 = :id_sha256;

-- name: sessions()
-- Those that last, the latest used first.
select
    coalesce(access_key.name, account.name || ' user ' || session.portal_user_id, 'B24_ADMIN_KEY') as name,
    access_key.name as key_name,
    coalesce(access_key.role, session.role, 'admin') as role,
    session.started_at,
    session.used_at,
    session.ends_at
from bitrix24_sessions as session
left join bitrix24_access_keys as access_key on session.access_key_id = access_key.id
left join user_accounts as account on session.user_account_id = account.id
where session.ends_at > now() and access_key.revoked_at is null
order by session.used_at desc;
