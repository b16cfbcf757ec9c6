-- name: flow(portal, entity_type, category_id, step, first_day, last_day)
-- What came and went in each day, week or month, by stage in the pipeline's order. The names come after the count.
with periods as (
    select
        daily.status_id,
        cast(date_trunc(:step, cast(daily.day as timestamp)) as date) as period,
        max(daily.day) as last_day,
        sum(daily.entered)::bigint as entered,
        sum(daily.won)::bigint as won,
        sum(daily.lost)::bigint as lost,
        sum(daily.created)::bigint as created
    from analytics.funnel_daily as daily
    where
        daily.portal = :portal and daily.entity_type = :entity_type and daily.category_id = :category_id
        and (cast(:first_day as date) is null or daily.day >= :first_day)
        and (cast(:last_day as date) is null or daily.day <= :last_day)
    group by daily.status_id, date_trunc(:step, cast(daily.day as timestamp))
)

select
    periods.status_id,
    stage.status_name,
    stage.status_color,
    periods.period,
    -- how many stood there when the period ended
    ended.in_stage_end as in_stage,
    periods.entered,
    periods.won,
    periods.lost,
    periods.created,
    stage.is_success_stage or stage.is_fail_stage as is_closed,
    stage.is_deleted
from periods
inner join analytics.funnel_daily as ended
    on
        ended.portal = :portal
        and ended.entity_type = :entity_type
        and ended.category_id = :category_id
        and periods.status_id = ended.status_id
        and periods.last_day = ended.day
inner join analytics.dim_stage as stage
    on
        stage.portal = :portal
        and stage.entity_type = :entity_type
        and stage.category_id = :category_id
        and periods.status_id = stage.status_id
order by periods.period asc, stage.status_sort asc nulls last, periods.status_id asc;

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
