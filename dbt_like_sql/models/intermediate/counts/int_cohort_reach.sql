{{ config(
    unique_key=['portal', 'entity_type', 'category_id', 'cohort_month', 'status_id', 'definition'],
    meta={'replaces': 'int_touched_cohort'}
) }}

with reach as (

    {% if var("by_change") %}
        select
            reach.*,
            rules.pipeline_key,
            rules.furthest_sort
        from (
            select distinct
                pipeline_key,
                cohort_month
            from {{ ref('int_touched_cohort') }}
        ) as touched
        inner join {{ ref('int_stage_rule') }} as rules on touched.pipeline_key = rules.pipeline_key
        -- offset 0 makes the planner look up each stage and month
        cross join lateral (
            select *
            from {{ ref('int_reach') }} as counted
            where counted.stage_key = rules.stage_key and counted.cohort_month = touched.cohort_month
            offset 0  -- noqa: AM09
        ) as reach
    {% else %}
        select
            reach.*,
            rules.pipeline_key,
            rules.furthest_sort
        from {{ ref('int_reach') }} as reach
        inner join {{ ref('int_stage_rule') }} as rules on reach.stage_key = rules.stage_key
        where reach.cohort_month > '-infinity'
    {% endif %}

),

entered as (

    select
        pipeline_key,
        cohort_month,
        sum(entered)::bigint as entities
    from reach
    group by pipeline_key, cohort_month

),

counted as (

    select
        stage_key,
        'actual' as definition,
        cohort_month,
        age_days,
        reached
    from reach

    union all

    select
        stage_key,
        'strict' as definition,
        cohort_month,
        age_days,
        reached_strict as reached
    from reach

    union all

    -- who came further than ever before has passed every stage in between
    select
        passed.stage_key,
        'implied' as definition,
        reach.cohort_month,
        reach.age_days,
        reach.reached
    from reach
    inner join {{ ref('int_stage_rule') }} as passed
        on
            reach.pipeline_key = passed.pipeline_key
            and reach.raised_above < passed.furthest_sort
            and reach.furthest_sort >= passed.furthest_sort

    union all

    -- nobody passes a failure or a deleted stage without having been there
    select
        stage_key,
        'implied' as definition,
        cohort_month,
        age_days,
        reached
    from reach
    where furthest_sort is null

),

by_age as (

    select
        stage_key,
        definition,
        cohort_month,
        sum(reached) filter (where age_days = 7) as by_7,
        sum(reached) filter (where age_days between 7 and 14) as by_14,
        sum(reached) filter (where age_days between 7 and 30) as by_30,
        sum(reached) filter (where age_days between 7 and 60) as by_60,
        sum(reached) filter (where age_days between 7 and 90) as by_90,
        sum(reached) as ever
    from counted
    group by stage_key, definition, cohort_month

),

-- every row that there is to be, also where nobody has reached the stage
final as (

    select
        portals.portal,
        stages.entity_type,
        stages.category_id,
        entered.cohort_month,
        stages.status_id,
        definitions.definition,
        stages.stage_key,
        entered.entities,
        coalesce(by_age.by_7, 0)::bigint as by_7,
        coalesce(by_age.by_14, 0)::bigint as by_14,
        coalesce(by_age.by_30, 0)::bigint as by_30,
        coalesce(by_age.by_60, 0)::bigint as by_60,
        coalesce(by_age.by_90, 0)::bigint as by_90,
        coalesce(by_age.ever, 0)::bigint as ever
    from entered
    inner join {{ ref('int_stage') }} as stages on entered.pipeline_key = stages.pipeline_key
    inner join {{ ref('stg_portals') }} as portals on stages.user_account_id = portals.user_account_id
    cross join (values ('actual'), ('implied'), ('strict')) as definitions (definition)
    left join by_age
        on
            stages.stage_key = by_age.stage_key
            and definitions.definition = by_age.definition
            and entered.cohort_month = by_age.cohort_month

)

select * from final
