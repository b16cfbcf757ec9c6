-- depends: 0005_first_load
-- Portals connected by OAuth: who is being connected at the moment, and tokens that only one process refreshes.

create table bitrix24_oauth_states (
    nonce text primary key,
    portal_name text not null,
    domain text not null,
    entity_type text not null check (entity_type in ('lead', 'deal', 'both')),
    browser_digest text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
comment on table bitrix24_oauth_states is 'Authorizations that were begun; each may come back once, to the browser that began it.';
comment on column bitrix24_oauth_states.nonce is 'The random part of the signed state.';
comment on column bitrix24_oauth_states.portal_name is 'The name under which the portal is to be connected.';
comment on column bitrix24_oauth_states.domain is 'The portal that was asked for: host, with its port where it is not the usual one.';
comment on column bitrix24_oauth_states.entity_type is 'What is to be counted as its funnel.';
comment on column bitrix24_oauth_states.browser_digest is 'SHA-256 of the cookie of the browser that began it.';
comment on column bitrix24_oauth_states.created_at is 'When it was begun.';
comment on column bitrix24_oauth_states.expires_at is 'When it is worth nothing any more.';
comment on column bitrix24_oauth_states.used_at is 'When it came back.';

-- one portal, one account: its name and its address may change, member_id does not
create unique index user_accounts_member on user_accounts (bitrix24_member_id)
where bitrix24_member_id is not null;

alter table user_accounts add column bitrix24_refresh_failed_at timestamptz;
comment on column user_accounts.bitrix24_refresh_failed_at is 'When a refresh was refused (invalid_grant) for the first time in a row; the second time after a pause means that a person must authorize again.';
alter table user_accounts add column bitrix24_status_reason text;
comment on column user_accounts.bitrix24_status_reason is 'Why the status is not connected, in one line.';
