-- age_days is null in the rows of all ages, and so it is no part of the key by which rows are looked up
{{
    config(
        materialized='table',
        unique_key=['portal', 'entity_type', 'cohort_month', 'category_id', 'status_id', 'definition']
    )
}}

with stages as (

    select
        stage.*,
        '%<' || stage_key || '>' as pattern,
        case when semantics != 'failure' and not is_deleted then status_sort end as furthest_sort,
        semantics = 'process' and not is_deleted as is_process_stage,
        -- what has no known place comes last
        coalesce(status_sort, 9223372036854775807) as place
    from {{ ref('int_stage') }} as stage

),

-- a path fits a definition if it is like any of its patterns
patterns as (

    select
        this.stage_key,
        this.pipeline_key,
        array[this.pattern || '%'] as actual,
        array_agg(other.pattern || '%') filter (
            where other.stage_key = this.stage_key or other.furthest_sort >= this.furthest_sort
        ) as implied,
        array[
            coalesce(
                string_agg(other.pattern, '' order by other.place, other.status_id) filter (
                    where other.is_process_stage and other.place < this.place
                ), ''
            ) || this.pattern || '%'
        ] as strict
    from stages as this
    inner join stages as other on this.pipeline_key = other.pipeline_key
    group by this.stage_key, this.pipeline_key, this.pattern

),

definitions as (

    select
        row_number() over (order by patterns.stage_key, each.definition) as number,
        patterns.pipeline_key,
        patterns.stage_key,
        each.definition,
        each.likenesses
    from patterns
    cross join lateral (
        values ('actual', patterns.actual), ('implied', patterns.implied), ('strict', patterns.strict)
    ) as each (definition, likenesses)

),

pipelines as (

    select
        pipeline_key,
        user_account_id,
        entity_type,
        array_agg(stage_key) as stage_keys
    from stages
    group by pipeline_key, user_account_id, entity_type

),

-- how far the copy goes: this moment changes with the data alone, and so two builds of the same data agree
seen as (

    select
        user_account_id,
        greatest(max(entity_loaded_at), max(history_loaded_at)) as seen_at
    from {{ ref('int_journey') }}
    group by user_account_id

),

journeys as (

    select
        ways.*,
        stages.user_account_id,
        stages.entity_type
    from {{ ref('int_cohort_journey') }} as ways
    inner join stages on ways.stage_keys[1] = stages.stage_key

),

-- age 0 stands for all ages
ages as (

    select age_days from unnest(array[7, 14, 30, 60, 90, 0]) as age_days

),

paths_by_age as (

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

-- what is counted of a path stays with it, so that each is compared with the patterns once
paths as (

    select
        user_account_id,
        entity_type,
        path,
        array_agg(cohort_month) as cohort_months,
        array_agg(age_days) as ages,
        array_agg(entities) as counts
    from paths_by_age
    group by user_account_id, entity_type, path

),

paths_in_pipelines as (

    select
        pipelines.pipeline_key,
        '<' || array_to_string(paths.path, '><') || '>' as path,
        paths.cohort_months,
        paths.ages,
        paths.counts
    from paths
    inner join pipelines
        on
            paths.user_account_id = pipelines.user_account_id
            and paths.entity_type = pipelines.entity_type
            and paths.path && pipelines.stage_keys

),

entered as (

    select
        paths_in_pipelines.pipeline_key,
        counted.cohort_month,
        sum(counted.entities) as entities
    from paths_in_pipelines
    cross join lateral unnest(
        paths_in_pipelines.cohort_months, paths_in_pipelines.ages, paths_in_pipelines.counts
    ) as counted (cohort_month, age_days, entities)
    where counted.age_days = 0
    group by paths_in_pipelines.pipeline_key, counted.cohort_month

),

-- paths that fit the same are counted together before they are counted for each thing that they fit
fitting as (

    select
        fits.numbers,
        counted.cohort_month,
        counted.age_days,
        sum(counted.entities) as entities
    from paths_in_pipelines
    cross join lateral (
        select array_agg(definitions.number order by definitions.number) as numbers
        from definitions
        where
            definitions.pipeline_key = paths_in_pipelines.pipeline_key
            and paths_in_pipelines.path like any(definitions.likenesses)
    ) as fits
    cross join lateral unnest(
        paths_in_pipelines.cohort_months, paths_in_pipelines.ages, paths_in_pipelines.counts
    ) as counted (cohort_month, age_days, entities)
    group by fits.numbers, counted.cohort_month, counted.age_days

),

-- the rows that there are to be, and what is counted in them
counts as (

    select
        definitions.number,
        entered.cohort_month,
        ages.age_days,
        entered.entities,
        0 as reached
    from entered
    inner join definitions on entered.pipeline_key = definitions.pipeline_key
    cross join ages

    union all

    select
        fit.number,
        fitting.cohort_month,
        fitting.age_days,
        0 as entities,
        fitting.entities as reached
    from fitting
    cross join lateral unnest(fitting.numbers) as fit (number)

),

summed as (

    select
        number,
        cohort_month,
        age_days,
        sum(entities)::bigint as entities,
        sum(reached)::bigint as reached
    from counts
    group by number, cohort_month, age_days

),

final as (

    select
        portals.portal,
        stages.entity_type,
        summed.cohort_month,
        stages.category_id,
        stages.category_name,
        stages.status_id,
        stages.status_name,
        stages.status_sort,
        definitions.definition,
        nullif(summed.age_days, 0) as age_days,
        summed.entities,
        summed.reached,
        round(summed.reached::numeric / summed.entities, 6) as conversion,
        summed.age_days > 0
        and (summed.cohort_month + interval '1 month') at time zone portals.time_zone
        + summed.age_days * interval '24 hours' <= seen.seen_at as is_mature
    from summed
    inner join definitions on summed.number = definitions.number
    inner join stages on definitions.stage_key = stages.stage_key
    inner join {{ ref('stg_portals') }} as portals on stages.user_account_id = portals.user_account_id
    inner join seen on portals.user_account_id = seen.user_account_id

)

select * from final
