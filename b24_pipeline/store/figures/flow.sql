-- name: flow(portal, entity_type, category_id, step, first_day, last_day)
-- What came and went in each day, week or month, by stage in the pipeline's order.
select
    stage.status_id,
    stage.status_name,
    stage.status_color,
    cast(date_trunc(:step, daily.day) as date) as period,
    -- how many stood there when the period ended
    (array_agg(daily.in_stage_end order by daily.day desc))[1] as in_stage,
    sum(daily.entered)::bigint as entered,
    sum(daily.won)::bigint as won,
    sum(daily.lost)::bigint as lost,
    bool_or(stage.is_success_stage or stage.is_fail_stage) as is_closed,
    bool_or(stage.is_deleted) as is_deleted
from analytics.funnel_daily as daily
inner join analytics.dim_stage as stage
    on
        daily.portal = stage.portal
        and daily.entity_type = stage.entity_type
        and daily.category_id = stage.category_id
        and daily.status_id = stage.status_id
where
    daily.portal = :portal and daily.entity_type = :entity_type and daily.category_id = :category_id
    and (cast(:first_day as date) is null or daily.day >= :first_day)
    and (cast(:last_day as date) is null or daily.day <= :last_day)
group by
    stage.status_id,
    stage.status_name,
    stage.status_color,
    stage.status_sort,
    date_trunc(:step, daily.day)
order by period asc, stage.status_sort asc nulls last, stage.status_id asc;

-- name: last_move(account, entity_type, category_id)$
-- When somebody last left a stage of the pipeline for another one; null where nobody ever has.
select max(latest.exited_at)
from analytics_build.int_stage as stage
cross join lateral (
    -- the index of a stage has its visits by their end
    select visit.exited_at
    from analytics_build.int_stage_interval as visit
    where visit.stage_key = stage.stage_key and visit.exited_at is not null and visit.counted_duration is not null
    order by visit.exited_at desc
    limit 1
) as latest
where stage.user_account_id = :account and stage.entity_type = :entity_type and stage.category_id = :category_id;
