-- depends: 0019_proved_identity
-- Who may connect a portal: the operator, and whom the operator has invited, as long as things stand as they stood then.

alter table user_accounts add column bitrix24_disconnected_at timestamptz;
comment on column user_accounts.bitrix24_disconnected_at is 'When its operator disconnected it, which no installation from the portal''s side undoes; null while it is connected, and where the portal ended it.';

-- where the portal ended it there is a reason
update user_accounts set bitrix24_disconnected_at = now()
where bitrix24_status = 'disconnected' and bitrix24_status_reason is null;

alter table user_accounts add column bitrix24_user_is_admin boolean;
comment on column user_accounts.bitrix24_user_is_admin is 'Whether bitrix24_user_id was an administrator of the portal when it was connected; null where that was not noted.';

alter table bitrix24_oauth_states add column account_state text not null default '';
comment on column bitrix24_oauth_states.account_state is 'How the account stood when it was begun; once that has changed it may not come back any more.';

create table bitrix24_purged_accounts (
    name text primary key,
    purged_at timestamptz not null
);
comment on table bitrix24_purged_accounts is 'Names of accounts that were deleted with their data: an invitation of before does not make them again.';
comment on column bitrix24_purged_accounts.name is 'The name that the account had.';
comment on column bitrix24_purged_accounts.purged_at is 'When that was last.';
