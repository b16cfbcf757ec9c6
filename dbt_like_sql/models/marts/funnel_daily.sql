{{ config(
    unique_key=['portal', 'entity_type', 'category_id', 'status_id', 'day'],
    meta={'replaces': 'int_touched_stage'}
) }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}
    {% if var("by_change") %}
        where stage_key in (select touched.stage_key from {{ ref('int_touched_stage') }} as touched)
    {% endif %}

),

days_with_moves as (

    select days.*
    from stages
    -- offset 0 makes the planner look up the days of each stage: of many portals few are meant
    cross join lateral (
        select *
        from {{ ref('int_stage_day') }} as day
        where day.stage_key = stages.stage_key
        offset 0  -- noqa: AM09
    ) as days

),

spans as (

    select
        days_with_moves.stage_key,
        min(days_with_moves.day) as first_day,
        last_days.last_day
    from days_with_moves
    inner join stages on days_with_moves.stage_key = stages.stage_key
    inner join {{ ref('int_last_day') }} as last_days on stages.user_account_id = last_days.user_account_id
    group by days_with_moves.stage_key, last_days.last_day

),

quiet_days as (

    select
        stage_key,
        generate_series(first_day::timestamp, last_day::timestamp, interval '1 day')::date as day,
        0 as entered,
        0 as left_forward,
        0 as left_back,
        0 as won,
        0 as lost,
        0 as reopened,
        0 as moved_to_other_pipeline,
        0 as deleted,
        0 as left_total,
        0 as created
    from spans

),

all_days as (

    select * from days_with_moves
    union all
    select * from quiet_days

),

every_day as (

    select
        stage_key,
        day,
        coalesce(max(entered), 0)::bigint as entered,
        coalesce(max(left_forward), 0)::bigint as left_forward,
        coalesce(max(left_back), 0)::bigint as left_back,
        coalesce(max(won), 0)::bigint as won,
        coalesce(max(lost), 0)::bigint as lost,
        coalesce(max(reopened), 0)::bigint as reopened,
        coalesce(max(moved_to_other_pipeline), 0)::bigint as moved_to_other_pipeline,
        coalesce(max(deleted), 0)::bigint as deleted,
        coalesce(max(left_total), 0)::bigint as left_total,
        coalesce(max(created), 0)::bigint as created
    from all_days
    group by stage_key, day

),

stocked as (

    select
        every_day.*,
        sum(entered - left_total) over (
            partition by stage_key
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
        stocked.deleted,
        stocked.left_total,
        stocked.in_stage_end,
        stocked.created
    from stocked
    inner join stages on stocked.stage_key = stages.stage_key
    inner join portals on stages.user_account_id = portals.user_account_id

)

select * from final
