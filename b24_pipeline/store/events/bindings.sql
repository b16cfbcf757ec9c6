-- name: note_bound(id, events, handler_url)!
-- What is bound in the portal now, and where it is sent to.
insert into bitrix24_event_health (user_account_id, bound_events, handler_url, bound_at)
values (:id, :events, :handler_url, now())
on conflict (user_account_id) do update
set
    bound_events = excluded.bound_events,
    handler_url = excluded.handler_url,
    bound_at = excluded.bound_at;

-- name: note_unbound(id)!
-- Nothing is bound any more.
update bitrix24_event_health
set
    bound_events = '{}',
    handler_url = null,
    bound_at = null
where user_account_id = :id;

-- name: handler_url(id)$
-- Where the portal's events were sent to last.
select handler_url
from bitrix24_event_health
where user_account_id = :id;
