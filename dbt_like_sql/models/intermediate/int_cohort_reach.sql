{{ config(materialized='view') }}

with patterns as (

    select * from {{ ref('int_reach_pattern') }}

),

counted_paths as (

    select * from {{ ref('int_cohort_path') }}

),

-- those of int_cohort_path, also where no path is so young: 0 stands for all ages
ages as (

    select age_days from unnest(array[7, 14, 30, 60, 90, 0]) as age_days

),

entered as (

    select
        pipeline_key,
        cohort_month,
        sum(entities) as entities
    from counted_paths
    where age_days = 0
    group by pipeline_key, cohort_month

),

-- what is counted of a path stays with it, so that each is compared with the patterns once
paths as (

    select
        pipeline_key,
        path,
        array_agg(cohort_month) as cohort_months,
        array_agg(age_days) as ages,
        array_agg(entities) as counts
    from counted_paths
    group by pipeline_key, path

),

-- paths that fit the same patterns are added up before they are counted for each of these
paths_by_fit as (

    select
        fits.pattern_numbers,
        counted.cohort_month,
        counted.age_days,
        sum(counted.entities) as entities
    from paths
    cross join lateral (
        select array_agg(patterns.pattern_number order by patterns.pattern_number) as pattern_numbers
        from patterns
        where
            patterns.pipeline_key = paths.pipeline_key
            and paths.path like any(patterns.likenesses)
    ) as fits
    cross join lateral unnest(
        paths.cohort_months, paths.ages, paths.counts
    ) as counted (cohort_month, age_days, entities)
    group by fits.pattern_numbers, counted.cohort_month, counted.age_days

),

-- every row that there is to be, and what is counted in some of them
counts as (

    select
        patterns.pattern_number,
        entered.cohort_month,
        ages.age_days,
        entered.entities,
        0 as reached
    from entered
    inner join patterns on entered.pipeline_key = patterns.pipeline_key
    cross join ages

    union all

    select
        fit.pattern_number,
        paths_by_fit.cohort_month,
        paths_by_fit.age_days,
        0 as entities,
        paths_by_fit.entities as reached
    from paths_by_fit
    cross join lateral unnest(paths_by_fit.pattern_numbers) as fit (pattern_number)

),

totals as (

    select
        pattern_number,
        cohort_month,
        age_days,
        sum(entities)::bigint as entities,
        sum(reached)::bigint as reached
    from counts
    group by pattern_number, cohort_month, age_days

),

final as (

    select
        patterns.stage_key,
        patterns.definition,
        totals.cohort_month,
        totals.age_days,
        totals.entities,
        totals.reached
    from totals
    inner join patterns on totals.pattern_number = patterns.pattern_number

)

select * from final
