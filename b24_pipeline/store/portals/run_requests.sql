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

-- name: last_unbuilt()$
select max(id)
from bitrix24_run_requests
where built_at is null;

-- name: note_built(last)!
update bitrix24_run_requests
set built_at = clock_timestamp()
where id <= :last and built_at is null;

-- name: build_standing()$
-- Nobody knows of a run that was never started, so one that takes too long has failed.
select
    case
        when built_at is not null then 'built'
        when requested_at > clock_timestamp() - interval '10 minutes' then 'waiting'
        else 'failed'
    end
from bitrix24_run_requests
where user_account_id is null and requested_at > clock_timestamp() - interval '1 hour'
order by id desc
limit 1;

-- name: delete_old()!
delete from bitrix24_run_requests where requested_at < clock_timestamp() - interval '1 day';
