-- name: health()
-- One row a portal: its credential, how far it has been read, what waits, whether events arrive, and its budget.
with recursive synced as (
    -- what the sync log names, each entity of each portal once: by steps along its index, since it has a row a sync
    (
        select
            user_account_id,
            entity_type
        from bitrix24_sync_log
        order by user_account_id, entity_type
        limit 1
    )
    union all
    select
        following.user_account_id,
        following.entity_type
    from synced
    cross join lateral (
        select
            l.user_account_id,
            l.entity_type
        from bitrix24_sync_log as l
        where (l.user_account_id, l.entity_type) > (synced.user_account_id, synced.entity_type)
        order by l.user_account_id, l.entity_type
        limit 1
    ) as following
),

failed as (
    select
        synced.user_account_id,
        count(*) as entities
    from synced
    cross join lateral (
        select l.sync_status
        from bitrix24_sync_log as l
        where
            l.user_account_id = synced.user_account_id and l.entity_type = synced.entity_type
            and l.finished_at is not null
            -- an event that was stored does not mend a read that fails
            and l.sync_type not in ('event', 'match')
        order by l.id desc
        limit 1
    ) as latest
    where latest.sync_status = 'failed' and b24_is_read(synced.user_account_id, synced.entity_type)
    group by synced.user_account_id
)

select
    a.id as account,
    a.name,
    a.bitrix24_domain as domain,
    a.bitrix24_status as status,
    a.bitrix24_status_reason as reason,
    a.bitrix24_paused_at as paused_at,
    case
        when a.bitrix24_refresh_token is not null or a.bitrix24_access_token is not null then 'oauth'
        when a.bitrix24_webhook_url is not null then 'webhook'
    end as connected_by,
    a.bitrix24_token_expires_at as token_expires_at,
    a.bitrix24_refresh_failed_at as refresh_failed_at,
    read.lag_seconds,
    read.read_seconds,
    waiting.events_due,
    waiting.due_seconds,
    waiting.events_retried,
    given_up.events_failed,
    arrived.last_event_at,
    a.bitrix24_application_token is not null as proves_events,
    coalesce(h.bound_events, '{}') as bound_events,
    h.handler_url,
    h.bound_at,
    coalesce(h.unannounced, 0) as unannounced,
    h.silent_since,
    h.checked_at as silence_checked_at,
    coalesce(queued.budget_seconds, 0) as budget_seconds,
    compared.stages_checked_at,
    compared.stages_checked,
    compared.stages_differing,
    compared.stages_wrong,
    compared.stages_repaired,
    coalesce(failed.entities, 0) as syncs_failed
from user_accounts as a
left join bitrix24_event_health as h on a.id = h.user_account_id
left join failed on a.id = failed.user_account_id
cross join lateral (
    -- by the slowest entity; null where one was never read through
    select
        case when count(c.watermark) = 4 then extract(epoch from now() - min(c.watermark))::double precision end
            as lag_seconds,
        case when count(c.watermark) = 4 then extract(epoch from now() - min(c.updated_at))::double precision end
            as read_seconds
    from bitrix24_cursors as c
    where c.user_account_id = a.id and c.entity_type in ('lead', 'deal', 'contact', 'company')
) as read
cross join lateral (
    -- those that failed before wait until their next try
    select
        count(*) filter (where b24_is_due(e.next_try_at, e.received_at)) as events_due,
        greatest(
            coalesce(
                extract(epoch from now() - min(e.next_try_at) filter (where b24_is_due(e.next_try_at, e.received_at))),
                0
            ),
            0
        )::double precision as due_seconds,
        count(*) filter (where e.attempts > 0) as events_retried
    from bitrix24_webhook_events as e
    where e.status = 'pending' and e.user_account_id = a.id
) as waiting
cross join lateral (
    select count(*) as events_failed
    from bitrix24_webhook_events as e
    where e.status = 'failed' and e.user_account_id = a.id
) as given_up
cross join lateral (
    select max(e.received_at) as last_event_at
    from bitrix24_webhook_events as e
    where e.user_account_id = a.id
) as arrived
cross join lateral (
    select greatest(max(extract(epoch from b.tat - greatest(b.updated_at, clock_timestamp()))), 0)::double precision as budget_seconds
    from bitrix24_budget as b
    where split_part(b.bucket, '/', 1) = a.bitrix24_domain
) as queued
cross join lateral (
    select
        max(r.checked_at) as stages_checked_at,
        count(*) as stages_checked,
        count(*) filter (where not r.is_equal) as stages_differing,
        count(*) filter (where not r.is_explained and not r.is_repaired) as stages_wrong,
        count(*) filter (where r.is_repaired) as stages_repaired
    from reconciliation as r
    where
        r.user_account_id = a.id
        and r.checked_at = (
            select max(latest.checked_at) from reconciliation as latest
            where latest.user_account_id = a.id
        )
) as compared
order by a.name;
