{{ config(unique_key=['journey_key', 'visit_number'], meta={'empty_when': 'entities = 0'}) }}

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

ways as (

    select
        journey_key,
        sum(times)::bigint as entities,
        -- the same for all that went this way; null where some ceased to, and nobody came
        min(stage_keys) filter (where times > 0) as stage_keys,
        min(pipeline_keys) filter (where times > 0) as pipeline_keys,
        min(furthest_sorts) filter (where times > 0) as furthest_sorts,
        min(strict_visits) filter (where times > 0) as strict_visits
    from journeys
    where is_counted
    group by journey_key

),

steps as (

    select
        ways.journey_key,
        visit.visit_number::integer as visit_number,
        ways.entities,
        visit.stage_key,
        visit.pipeline_key,
        visit.furthest_sort,
        row_number() over of_stage = 1 as is_first_of_stage,
        row_number() over of_pipeline = 1 as is_first_of_pipeline,
        visit.visit_number = any(ways.strict_visits)
        and count(*) filter (where visit.visit_number = any(ways.strict_visits)) over of_stage = 1 as is_first_strict,
        coalesce(
            max(visit.furthest_sort) over (
                partition by ways.journey_key, visit.pipeline_key
                order by visit.visit_number
                rows between unbounded preceding and 1 preceding
            ),
            -9223372036854775808
        ) as sort_before
    from ways
    cross join lateral unnest(
        ways.stage_keys, ways.pipeline_keys, ways.furthest_sorts
    ) with ordinality as visit (stage_key, pipeline_key, furthest_sort, visit_number)
    window
        of_stage as (partition by ways.journey_key, visit.stage_key order by visit.visit_number),
        of_pipeline as (partition by ways.journey_key, visit.pipeline_key order by visit.visit_number)

),

final as (

    select
        steps.journey_key,
        steps.visit_number,
        {% if var("by_change") %}
            steps.entities + coalesce(known.entities, 0) as entities,
        {% else %}
            steps.entities,
        {% endif %}
        steps.stage_key,
        steps.pipeline_key,
        steps.furthest_sort,
        steps.is_first_of_stage,
        steps.is_first_of_pipeline,
        steps.is_first_strict,
        steps.sort_before
    from steps
    {% if var("by_change") %}
        left join {{ this }} as known
            on
                steps.journey_key = known.journey_key
                and steps.visit_number = known.visit_number
    {% endif %}

    {% if var("by_change") %}
        union all

        select
            known.journey_key,
            known.visit_number,
            ways.entities + known.entities as entities,
            known.stage_key,
            known.pipeline_key,
            known.furthest_sort,
            known.is_first_of_stage,
            known.is_first_of_pipeline,
            known.is_first_strict,
            known.sort_before
        from ways
        inner join {{ this }} as known on ways.journey_key = known.journey_key
        where ways.stage_keys is null
    {% endif %}

)

select * from final
