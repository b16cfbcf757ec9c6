-- name: land(rows)!
-- Events of one moment. One that is handled by landing (the application was removed) is done at once.
insert into bitrix24_webhook_events (
    user_account_id, member_id, event, entity_type, entity_id, payload, status, handled_at
)
select
    e.account,
    e.member_id,
    e.event,
    e.entity_type,
    e.entity_id,
    e.payload,
    e.status,
    case when e.status = 'done' then clock_timestamp() end
from
    jsonb_to_recordset(cast(:rows as jsonb)) as e (
        account uuid, member_id text, event text, entity_type text, entity_id bigint, payload jsonb, status text
    );

-- name: patience(milliseconds)$
-- Who sent the events waits for the answer.
select
    set_config('statement_timeout', :milliseconds, true),
    set_config('lock_timeout', :milliseconds, true);

-- name: senders()
-- Who may send events: the token of a portal, encrypted.
select
    id,
    bitrix24_member_id,
    bitrix24_application_token
from user_accounts
where bitrix24_application_token is not null;

-- name: other_tokens()
-- And the digests of all tokens that prove its events.
select
    a.id,
    a.bitrix24_member_id,
    t.digest
from bitrix24_application_tokens as t
inner join user_accounts as a on t.user_account_id = a.id;

-- name: provable()
-- Portals whose identity is proved. An event of them with a token that is not known may be proved by its access token,
-- where the portal is connected by OAuth: a browser brought no application token along, and an application that was
-- added anew has another one.
select
    bitrix24_member_id,
    bitrix24_refresh_token is not null and bitrix24_status = 'connected'
from user_accounts
where bitrix24_member_id is not null;

-- name: known(account, changes)
-- Which of these queued changes a posted event has brought: the object was, or will be, fetched after the change. A posted
-- event and the queue have the portal's clock, in whole seconds. Ours measures only how long after its coming an event
-- was drained: the portal's clock had moved on as far by then. Of an event that is not drained yet only the coming
-- is known. A deletion is known by a deletion alone.
select change.place
from
    jsonb_to_recordset(cast(:changes as jsonb)) as change (
        place int, entity_type text, entity_id bigint, is_deletion boolean, changed_at timestamptz
    )
where exists (
    select
    from bitrix24_webhook_events as e
    where
        e.user_account_id = :account and e.received_at > now() - interval '1 day'
        and e.entity_type = change.entity_type and e.entity_id = change.entity_id
        and e.status in ('pending', 'done')
        and (e.event like '%%DELETE' or not change.is_deletion)
        and case
            when e.payload ->> 'ts' ~ '^[0-9]{9,11}$' then
                to_timestamp((e.payload ->> 'ts')::bigint)
                + case when e.status = 'done' then greatest(e.handled_at - e.received_at, '0') else '0' end
        end >= date_trunc('second', change.changed_at) + interval '1 second'
);
