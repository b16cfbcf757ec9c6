-- name: look(account, lookback_seconds, grace_seconds, polled_seconds, settle_seconds)^
-- Leads and deals that changed lately, were found by polling, and no event named since. A type of which events
-- are expected is one whose updates are bound, or of which events have come before (outgoing webhooks, which a
-- person makes). All ages are taken by our own clock but one: a row must have been modified shortly before it
-- was found, so that what a full load reads again is not taken for a change.
with announced as (
    select
        t.entity_type,
        (
            select max(e.received_at)
            from bitrix24_webhook_events as e
            where
                e.user_account_id = :account and e.entity_type = t.entity_type
                and e.received_at > now() - make_interval(secs => :lookback_seconds) and not e.payload ? 'offline'
        ) as last_event_at,
        h.bound_at,
        'ONCRM' || upper(t.entity_type) || 'UPDATE' = any(h.bound_events) as is_bound
    from unnest(array['lead', 'deal']) as t (entity_type)
    left join bitrix24_event_health as h on h.user_account_id = :account
),

expected as (
    select
        *,
        coalesce(last_event_at, now() - make_interval(secs => :lookback_seconds)) as loaded_after
    from announced
),

-- Of a type that nothing is expected of, no row is read.
found as (
    select count(*) as unannounced
    from expected
    cross join lateral (
        select
            id,
            loaded_at,
            date_modify
        from bitrix24_leads
        where
            expected.entity_type = 'lead' and user_account_id = :account and deleted_at is null
            and loaded_at > expected.loaded_after
            and loaded_at <= now() - make_interval(secs => :grace_seconds)
        union all
        select
            id,
            loaded_at,
            date_modify
        from bitrix24_deals
        where
            expected.entity_type = 'deal' and user_account_id = :account and deleted_at is null
            and loaded_at > expected.loaded_after
            and loaded_at <= now() - make_interval(secs => :grace_seconds)
    ) as polled
    where
        (expected.is_bound or expected.last_event_at is not null)
        and polled.date_modify > polled.loaded_at - make_interval(secs => :polled_seconds)
        and polled.date_modify > coalesce(expected.bound_at + make_interval(secs => :settle_seconds), '-infinity')
        and not exists (
            select
            from bitrix24_webhook_events as e
            where
                e.user_account_id = :account and e.entity_type = expected.entity_type and e.entity_id = polled.id
                and e.received_at > polled.loaded_at - make_interval(secs => :polled_seconds)
                and not e.payload ? 'offline'
        )
)

select
    found.unannounced,
    (select max(last_event_at) from expected) as last_event_at
from found;

-- name: note(account, unannounced, last_event_at, most)^
-- Once silent, a portal stays so until an event arrives: that events were bound again proves nothing yet.
insert into bitrix24_event_health as h (user_account_id, unannounced, silent_since, checked_at)
values (
    :account,
    :unannounced,
    case when cast(:unannounced as bigint) >= :most then now() end,
    now()
)
on conflict (user_account_id) do update
set
    unannounced = case
        when h.silent_since > coalesce(cast(:last_event_at as timestamptz), '-infinity')
            then greatest(h.unannounced, excluded.unannounced)
        else excluded.unannounced
    end,
    silent_since = case
        when h.silent_since > coalesce(cast(:last_event_at as timestamptz), '-infinity') then h.silent_since
        else excluded.silent_since
    end,
    checked_at = excluded.checked_at
returning h.unannounced, h.silent_since, h.handler_url, h.bound_events;
