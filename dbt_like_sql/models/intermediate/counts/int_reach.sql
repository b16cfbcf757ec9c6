{{ config(
    unique_key=['stage_key', 'cohort_month', 'age_days', 'raised_above'],
    meta={'empty_when': 'visits = 0'}
) }}

with journeys as (

    {% if var("by_change") %}
        select * from {{ differences('int_journey') }}
    {% else %}
        select
            journey.*,
            1 as times
        from {{ ref('int_journey') }} as journey
    {% endif %}

),

-- of each visit: whether it is the first of its stage and of its pipeline, and how far the entity had come before
visits as (

    select
        journey.cohort_month,
        journey.times,
        journey.is_qualified,
        visit.stage_key,
        case
            when visit.number <= journey.visits_by_day_7 then 7
            when visit.number <= journey.visits_by_day_14 then 14
            when visit.number <= journey.visits_by_day_30 then 30
            when visit.number <= journey.visits_by_day_60 then 60
            when visit.number <= journey.visits_by_day_90 then 90
            else 0
        end as age_days,
        array_position(journey.stage_keys, visit.stage_key) = visit.number as is_first,
        array_position(journey.pipeline_keys, visit.pipeline_key) = visit.number as is_entry,
        visit.number = any(journey.strict_visits) and not exists (
            select 1
            from unnest(journey.strict_visits) as earlier (number)
            where earlier.number < visit.number and journey.stage_keys[earlier.number] = visit.stage_key
        ) as is_strict,
        visit.furthest_sort,
        coalesce(before.furthest_sort, -9223372036854775808) as sort_before
    from journeys as journey
    cross join lateral unnest(
        journey.stage_keys, journey.pipeline_keys, journey.furthest_sorts
    ) with ordinality as visit (stage_key, pipeline_key, furthest_sort, number)
    cross join lateral (
        select max(earlier.furthest_sort) as furthest_sort
        from unnest(
            journey.furthest_sorts[1:visit.number - 1], journey.pipeline_keys[1:visit.number - 1]
        ) as earlier (furthest_sort, pipeline_key)
        where earlier.pipeline_key = visit.pipeline_key
    ) as before
    where journey.is_counted

),

counted as (

    select
        stage_key,
        cohort_month,
        age_days,
        -- a visit that leads no further than those before it raises nothing
        case when furthest_sort > sort_before then sort_before else 9223372036854775807 end as raised_above,
        sum(times) as visits,
        sum(case when is_entry then times else 0 end) as entered,
        sum(case when is_first then times else 0 end) as reached,
        sum(case when is_strict then times else 0 end) as reached_strict,
        sum(case when is_first and is_qualified then times else 0 end) as qualified
    from visits
    where is_first or is_strict
    group by stage_key, cohort_month, age_days, raised_above

),

final as (

    select
        counted.stage_key,
        counted.cohort_month,
        counted.age_days,
        counted.raised_above,
        {% if var("by_change") %}
            counted.visits + coalesce(known.visits, 0) as visits,
            counted.entered + coalesce(known.entered, 0) as entered,
            counted.reached + coalesce(known.reached, 0) as reached,
            counted.reached_strict + coalesce(known.reached_strict, 0) as reached_strict,
            counted.qualified + coalesce(known.qualified, 0) as qualified
        {% else %}
            counted.visits,
            counted.entered,
            counted.reached,
            counted.reached_strict,
            counted.qualified
        {% endif %}
    from counted
    {% if var("by_change") %}
        left join {{ this }} as known
            on
                counted.stage_key = known.stage_key
                and counted.cohort_month = known.cohort_month
                and counted.age_days = known.age_days
                and counted.raised_above = known.raised_above
    {% endif %}

)

select * from final
