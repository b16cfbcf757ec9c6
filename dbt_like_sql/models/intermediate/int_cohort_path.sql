{{ config(materialized='view') }}

with journeys as (

    select
        ways.*,
        stages.user_account_id,
        stages.entity_type
    from {{ ref('int_cohort_journey') }} as ways
    inner join {{ ref('int_stage') }} as stages on ways.stage_keys[1] = stages.stage_key

),

-- age 0 stands for all ages
ages as (

    select age_days from unnest(array[7, 14, 30, 60, 90, 0]) as age_days

),

paths as (

    select
        journeys.user_account_id,
        journeys.entity_type,
        journeys.cohort_month,
        ages.age_days,
        journeys.stage_keys[
            1:case ages.age_days
                when 7 then journeys.visits_by_day_7
                when 14 then journeys.visits_by_day_14
                when 30 then journeys.visits_by_day_30
                when 60 then journeys.visits_by_day_60
                when 90 then journeys.visits_by_day_90
                else cardinality(journeys.stage_keys)
            end
        ] as path,
        sum(journeys.entities) as entities
    from journeys
    cross join ages
    group by journeys.user_account_id, journeys.entity_type, journeys.cohort_month, ages.age_days, path

),

pipelines as (

    select
        pipeline_key,
        user_account_id,
        entity_type,
        array_agg(stage_key) as stage_keys
    from {{ ref('int_stage') }}
    group by pipeline_key, user_account_id, entity_type

),

final as (

    select
        pipelines.pipeline_key,
        paths.cohort_month,
        paths.age_days,
        '<' || array_to_string(paths.path, '><') || '>' as path,
        paths.entities
    from paths
    inner join pipelines
        on
            paths.user_account_id = pipelines.user_account_id
            and paths.entity_type = pipelines.entity_type
            and paths.path && pipelines.stage_keys

)

select * from final
