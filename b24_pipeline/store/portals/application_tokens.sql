-- name: learn(account, digest, learnt_from)!
-- A token that proves the portal's events from now on. One that the operator or an installation told stays theirs.
insert into bitrix24_application_tokens (user_account_id, digest, learnt_from)
values (:account, :digest, :learnt_from)
on conflict (user_account_id, digest) do update
set
    learnt_at = clock_timestamp(),
    learnt_from = case
        when excluded.learnt_from = 'event' then bitrix24_application_tokens.learnt_from
        else excluded.learnt_from
    end;

-- name: forget_oldest(account, most)!
-- Of the tokens that events have brought only the newest stay.
delete from bitrix24_application_tokens as t
using (
    select digest
    from bitrix24_application_tokens
    where user_account_id = :account and learnt_from = 'event'
    order by learnt_at desc, digest asc
    offset :most
) as old
where t.user_account_id = :account and t.digest = old.digest;

-- name: is_known(account, digest)$
-- Whether a token proves the portal's events already.
select count(*) > 0 as is_known
from bitrix24_application_tokens
where user_account_id = :account and digest = :digest;

-- name: forget(accounts)!
-- None of their tokens proves anything any more.
delete from bitrix24_application_tokens
where user_account_id = any(:accounts);

-- name: forget_tokens(accounts)!
-- The application was removed: its tokens are worth nothing, and must not be kept. A portal that has
-- a webhook credential too is still read by that.
update user_accounts
set
    bitrix24_access_token = null,
    bitrix24_refresh_token = null,
    bitrix24_application_token = null,
    bitrix24_token_expires_at = null,
    bitrix24_status = case when bitrix24_webhook_url is null then 'disconnected' else bitrix24_status end,
    bitrix24_status_reason = case
        when bitrix24_webhook_url is null then 'the application was removed in the portal'
        else bitrix24_status_reason
    end
where id = any(:accounts);
