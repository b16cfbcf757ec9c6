{{ config(materialized='table', unique_key=['portal', 'entity_type', 'category_id', 'status_id', 'day']) }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

visits as (

    select
        visit.stage_number,
        visit.previous_stage_number,
        visit.entry_kind,
        (visit.entered_at at time zone portals.time_zone)::date as day
    from {{ ref('int_visit') }} as visit
    inner join portals on visit.user_account_id = portals.user_account_id

),

-- a visit's first moment is the last one of the visit before it: each row is counted at both ends
ends as (

    select
        stage_number,
        day,
        null as left_by
    from visits

    union all

    select
        previous_stage_number as stage_number,
        day,
        entry_kind as left_by
    from visits
    where previous_stage_number is not null

),

flows_a_day as (

    select
        stage_number,
        day,
        count(*) filter (where left_by is null) as entered,
        count(*) filter (where left_by in ('forward', 'skip')) as left_forward,
        count(*) filter (where left_by = 'back') as left_back,
        count(*) filter (where left_by = 'won') as won,
        count(*) filter (where left_by = 'lost') as lost,
        count(*) filter (where left_by = 'reopen') as reopened,
        count(*) filter (where left_by = 'pipeline_change') as moved_to_other_pipeline,
        count(*) filter (where left_by is not null) as left_total
    from ends
    group by stage_number, day

),

first_days as (

    select
        stages.user_account_id,
        flows_a_day.stage_number,
        min(flows_a_day.day) as first_day,
        max(flows_a_day.day) as last_day
    from flows_a_day
    inner join stages on flows_a_day.stage_number = stages.stage_number
    group by stages.user_account_id, flows_a_day.stage_number

),

spans as (

    select
        stage_number,
        first_day,
        max(last_day) over (partition by user_account_id) as last_day
    from first_days

),

quiet_days as (

    select
        stage_number,
        generate_series(first_day::timestamp, last_day::timestamp, interval '1 day')::date as day,
        0 as entered,
        0 as left_forward,
        0 as left_back,
        0 as won,
        0 as lost,
        0 as reopened,
        0 as moved_to_other_pipeline,
        0 as left_total
    from spans

),

all_days as (

    select * from flows_a_day
    union all
    select * from quiet_days

),

every_day as (

    select
        stage_number,
        day,
        max(entered) as entered,
        max(left_forward) as left_forward,
        max(left_back) as left_back,
        max(won) as won,
        max(lost) as lost,
        max(reopened) as reopened,
        max(moved_to_other_pipeline) as moved_to_other_pipeline,
        max(left_total) as left_total
    from all_days
    group by stage_number, day

),

stocked as (

    select
        every_day.*,
        sum(entered - left_total) over (
            partition by stage_number
            order by day
        )::bigint as in_stage_end
    from every_day

),

final as (

    select
        portals.portal,
        stages.entity_type,
        stages.category_id,
        stages.status_id,
        stocked.day,
        stocked.in_stage_end - stocked.entered + stocked.left_total as in_stage_start,
        stocked.entered,
        stocked.left_forward,
        stocked.left_back,
        stocked.won,
        stocked.lost,
        stocked.reopened,
        stocked.moved_to_other_pipeline,
        stocked.left_total,
        stocked.in_stage_end
    from stocked
    inner join stages on stocked.stage_number = stages.stage_number
    inner join portals on stages.user_account_id = portals.user_account_id

)

select * from final
