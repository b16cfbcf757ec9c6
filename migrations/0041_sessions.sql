-- depends: 0040_funnel_as_of_says_which_midnight
-- Browsers that are signed in. A session is somebody's: of a key, of the operator's key, or of a person whom a portal has sent.

create table bitrix24_sessions (
    id_sha256 bytea primary key check (octet_length(id_sha256) = 32),
    access_key_id uuid references bitrix24_access_keys on delete cascade,
    operator_proof bytea check (octet_length(operator_proof) = 32),
    user_account_id uuid references user_accounts on delete cascade,
    portal_user_id bigint,
    role text check (role in ('viewer', 'manager', 'admin')),
    started_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    ends_at timestamptz not null,
    check (num_nonnulls(access_key_id, operator_proof, user_account_id) = 1),
    check ((user_account_id is null) = (portal_user_id is null)),
    check ((user_account_id is null) = (role is null))
);
comment on table bitrix24_sessions is 'Browsers that are signed in to the pages. What a row is deleted by: signing out, its end, a new sign-in of the same browser.';
comment on column bitrix24_sessions.id_sha256 is 'SHA-256 of the random value of the browser''s cookie, which is stored nowhere.';
comment on column bitrix24_sessions.access_key_id is 'Signed in with this key (bitrix24_access_keys.id), whose role and portals count; null: not with one of these.';
comment on column bitrix24_sessions.operator_proof is 'Signed in with B24_ADMIN_KEY: HMAC-SHA-256 of that key under the cookie''s value, so that another key ends the session; else null.';
comment on column bitrix24_sessions.user_account_id is 'Sent by this portal (user_accounts.id), and sees it alone; else null.';
comment on column bitrix24_sessions.portal_user_id is 'The number of that person in the portal; null: not sent by a portal.';
comment on column bitrix24_sessions.role is 'What a person sent by a portal may do; null: what the key may do.';
comment on column bitrix24_sessions.started_at is 'When the browser was signed in.';
comment on column bitrix24_sessions.used_at is 'When it was used last, to the minute.';
comment on column bitrix24_sessions.ends_at is 'When it ends; using it puts this off.';
create index bitrix24_sessions_key on bitrix24_sessions (access_key_id);
create index bitrix24_sessions_account on bitrix24_sessions (user_account_id);
create index bitrix24_sessions_end on bitrix24_sessions (ends_at);
