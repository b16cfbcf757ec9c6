-- Nobody is in a stage without having reached it, nor reaches one without entering its pipeline, nor
-- counts as qualified there without having reached it.
with funnel as (

    select * from {{ ref('funnel_stats') }}
    {% if var("by_change") %}
        where portal in (select touched.portal from {{ ref('int_touched_portal') }} as touched)
    {% endif %}

)

select * from funnel
where
    in_stage > reached
    or reached > reached_implied
    or reached_implied > entered
    or qualified > reached
    or conversion_from_start > 1
