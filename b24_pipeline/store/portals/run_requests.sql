-- name: let_no_other_request()#
-- Until the transaction ends: numbers are committed in their order, so that whoever has seen one has seen all before it.
lock table bitrix24_run_requests in share row exclusive mode;

-- name: request(portal)!
insert into bitrix24_run_requests (user_account_id) values (:portal);

-- name: requests_after(last_seen)
select
    requests.id,
    accounts.name
from bitrix24_run_requests as requests
left join user_accounts as accounts on requests.user_account_id = accounts.id
where requests.id > :last_seen and requests.requested_at > clock_timestamp() - interval '1 hour'
order by requests.id;

-- name: delete_old()!
delete from bitrix24_run_requests where requested_at < clock_timestamp() - interval '1 day';
