-- depends: 0031_changes
-- Who uses the service: keys with a name and a role, some of them for some portals only, and what they changed.

create table bitrix24_access_keys (
    id uuid primary key default gen_random_uuid(),
    name text not null check (char_length(name) between 1 and 63),
    role text not null check (role in ('viewer', 'manager', 'admin')),
    key_sha256 bytea not null unique check (octet_length(key_sha256) = 32),
    is_limited boolean not null default false,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);
comment on table bitrix24_access_keys is 'Keys of people and programs that use the service (b24 access). A revoked one stays, so that its changes keep a name.';
comment on column bitrix24_access_keys.id is 'Key of this row.';
comment on column bitrix24_access_keys.name is 'Who or what uses it; of those that are not revoked each has another name.';
comment on column bitrix24_access_keys.role is 'viewer sees figures, manager changes what they are counted by, admin connects portals and manages keys too.';
comment on column bitrix24_access_keys.key_sha256 is 'SHA-256 of the key, which is printed once and stored nowhere.';
comment on column bitrix24_access_keys.is_limited is 'It sees the portals of bitrix24_access_key_portals alone; false: all portals.';
comment on column bitrix24_access_keys.created_at is 'When it was made.';
comment on column bitrix24_access_keys.last_used_at is 'When it was used last, to the minute; null: never.';
comment on column bitrix24_access_keys.revoked_at is 'When it was revoked; null while it works.';
create unique index bitrix24_access_keys_name on bitrix24_access_keys (lower(name)) where revoked_at is null;

create table bitrix24_access_key_portals (
    access_key_id uuid not null references bitrix24_access_keys on delete cascade,
    user_account_id uuid not null references user_accounts on delete cascade,
    primary key (access_key_id, user_account_id)
);
comment on table bitrix24_access_key_portals is 'The portals that a limited key sees.';
comment on column bitrix24_access_key_portals.access_key_id is 'The key (bitrix24_access_keys.id).';
comment on column bitrix24_access_key_portals.user_account_id is 'The portal (user_accounts.id).';
create index bitrix24_access_key_portals_account on bitrix24_access_key_portals (user_account_id);
