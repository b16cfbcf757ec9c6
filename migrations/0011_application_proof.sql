-- depends: 0010_count_created
-- An application that was added anew has another application_token than the one that we know.

alter table user_accounts add column bitrix24_application_proved_at timestamptz;
comment on column user_accounts.bitrix24_application_proved_at
is 'When the application_token was last proved at the authorization server; after connecting again it is due anew.';

update user_accounts set bitrix24_application_proved_at = now()
where bitrix24_application_token is not null;
