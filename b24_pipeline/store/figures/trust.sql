-- name: comparisons(portal)
-- The last comparison of each stage with the portal, those that differ first.
select
    entity_type,
    category_name,
    status_id,
    status_name,
    checked_at,
    portal_count,
    our_count,
    portal_amounts,
    our_amounts,
    rows_compared,
    is_equal,
    is_explained,
    is_repaired,
    missing_ids,
    surplus_ids,
    differing_ids,
    explanation,
    is_deleted
from (
    select
        reconciliation.*,
        coalesce(stage.is_deleted, false) as is_deleted,
        row_number() over (
            partition by reconciliation.entity_type, reconciliation.category_id, reconciliation.status_id
            order by reconciliation.checked_at desc
        ) as of_stage
    from analytics.reconciliation
    left join analytics.dim_stage as stage
        on
            reconciliation.portal = stage.portal
            and reconciliation.entity_type = stage.entity_type
            and reconciliation.category_id = stage.category_id
            and reconciliation.status_id = stage.status_id
    where reconciliation.portal = :portal
) as latest
where of_stage = 1
order by is_explained asc, is_equal asc, entity_type asc, category_id asc, status_id asc;

-- name: syncs(account)
-- The last sync of each kind and entity: those that events start would hide all others.
select
    entity_type,
    sync_type,
    sync_status,
    rows_read,
    rows_changed,
    rows_deleted,
    requests,
    started_at,
    finished_at,
    error_message
from (
    select
        log.*,
        row_number() over (partition by log.entity_type, log.sync_type order by log.id desc) as of_kind
    from bitrix24_sync_log as log
    where log.user_account_id = :account
) as latest
where of_kind = 1
order by started_at desc, id desc;

-- name: events(account)
-- How many events there are of each state, and when the latest of them landed.
select
    status,
    count(*) as events,
    max(received_at) as latest_at
from bitrix24_webhook_events
where user_account_id = :account
group by status
order by status asc;

-- name: failed_events(account, most)
-- Events that were given up, the latest first.
select
    event,
    entity_id,
    received_at,
    attempts,
    error
from bitrix24_webhook_events
where user_account_id = :account and status = 'failed'
order by id desc
limit :most;

-- name: recurring_templates(account)$
-- How many deals are templates of recurring deals: the portal keeps them as deals, and counts them in no stage.
select count(*)
from bitrix24_deals
where user_account_id = :account and deleted_at is null and is_recurring;
