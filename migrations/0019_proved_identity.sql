-- depends: 0018_analysts
-- An identity is what the authorization server has confirmed, never what an event says. And whoever plants an
-- application token must not take the place of the one that a portal really sends.

-- only a connection by OAuth proves an identity; what an event brought, or what is left of a former connection, goes:
-- the next connection under the same name and address finds its account again
update user_accounts set bitrix24_member_id = null
where bitrix24_refresh_token is null and bitrix24_member_id is not null;

comment on column user_accounts.bitrix24_member_id is 'The portal''s own identity, 32 hexadecimal digits, as the authorization server has confirmed it; null where nothing has proved it.';
comment on column user_accounts.bitrix24_application_token is 'Proves inbound events, encrypted: that of the operator or of the installation, else the first one learnt. Others are in bitrix24_application_tokens.';
comment on column bitrix24_webhook_events.member_id is 'The portal''s own identity, as the event says; user_account_id is what was proved.';

create table bitrix24_application_tokens (
    user_account_id uuid not null references user_accounts on delete cascade,
    digest text not null check (digest ~ '^[0-9a-f]{64}$'),
    learnt_from text not null check (learnt_from in ('operator', 'installation', 'event')),
    learnt_at timestamptz not null default clock_timestamp(),
    primary key (user_account_id, digest)
);
comment on table bitrix24_application_tokens is 'Application tokens that prove a portal''s events: an application that was added anew has another one, and its events are proved beside the former ones.';
comment on column bitrix24_application_tokens.user_account_id is 'The portal.';
comment on column bitrix24_application_tokens.digest is 'SHA-256 of the token, which is only ever compared.';
comment on column bitrix24_application_tokens.learnt_from is 'operator (b24 portal add), installation, or event: proved by an access token inside an event. Of the last kind only the newest are kept.';
comment on column bitrix24_application_tokens.learnt_at is 'When it was learnt, or proved again.';
