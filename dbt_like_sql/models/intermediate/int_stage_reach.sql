{{ config(materialized='view') }}

with stages as (

    select
        stage.*,
        case when semantics != 'failure' and not is_deleted then status_sort end as furthest_sort
    from {{ ref('int_stage') }} as stage

),

qualified_by_field as (

    select
        user_account_id,
        entity_type,
        entity_id
    from {{ ref('stg_qualification') }}
    where is_qualified

),

-- entities that have been in the same stages in the same order are counted together
journeys as (

    select
        row_number() over () as journey_number,
        journey.stage_keys,
        qualified_by_field.entity_id is not null as is_qualified_by_field,
        count(*) as entities
    from {{ ref('int_journey') }} as journey
    left join qualified_by_field
        on
            journey.user_account_id = qualified_by_field.user_account_id
            and journey.entity_type = qualified_by_field.entity_type
            and journey.entity_id = qualified_by_field.entity_id
    where journey.is_counted
    group by journey.stage_keys, qualified_by_field.entity_id is not null

),

-- each stage once; whoever is qualified in one pipeline is qualified in all
stages_of_journeys as (

    select distinct
        journeys.journey_number,
        journeys.entities,
        journeys.is_qualified_by_field
        or journeys.stage_keys && (
            select array_agg(qualifying.stage_key)
            from stages as qualifying
            where qualifying.is_qualified_stage
        ) as is_qualified,
        stages.stage_key,
        stages.pipeline_key,
        stages.furthest_sort
    from journeys
    cross join lateral unnest(journeys.stage_keys) as visit (stage_key)
    inner join stages on visit.stage_key = stages.stage_key

),

reached as (

    select
        stage_key,
        sum(entities)::bigint as reached,
        sum(entities) filter (where is_qualified)::bigint as qualified
    from stages_of_journeys
    group by stage_key

),

furthest_stages as (

    select
        pipeline_key,
        journey_number,
        max(furthest_sort) as furthest_sort,
        max(entities) as entities
    from stages_of_journeys
    group by pipeline_key, journey_number

),

entered as (

    select
        pipeline_key,
        sum(entities)::bigint as entered
    from furthest_stages
    group by pipeline_key

),

implied as (

    select
        stages.stage_key,
        sum(furthest_stages.entities)::bigint as reached_implied
    from stages
    inner join furthest_stages
        on
            stages.pipeline_key = furthest_stages.pipeline_key
            and stages.furthest_sort <= furthest_stages.furthest_sort
    group by stages.stage_key

),

final as (

    select
        stages.stage_key,
        coalesce(entered.entered, 0) as entered,
        coalesce(reached.reached, 0) as reached,
        coalesce(implied.reached_implied, reached.reached, 0) as reached_implied,
        coalesce(reached.qualified, 0) as qualified
    from stages
    left join entered on stages.pipeline_key = entered.pipeline_key
    left join reached on stages.stage_key = reached.stage_key
    left join implied on stages.stage_key = implied.stage_key

)

select * from final
