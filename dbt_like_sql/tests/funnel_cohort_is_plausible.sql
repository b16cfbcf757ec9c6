-- Nobody reaches a stage without being of the month; who is older has reached no less; implied is the widest
-- definition and strict the narrowest.
with rows_by_definition as (

    select
        portal,
        entity_type,
        cohort_month,
        category_id,
        status_id,
        age_days,
        max(reached) filter (where definition = 'actual') as actual,
        max(reached) filter (where definition = 'implied') as implied,
        max(reached) filter (where definition = 'strict') as strict,
        min(entities) as least_entities,
        max(entities) as most_entities
    from {{ ref('funnel_cohort') }}
    {% if var("by_change") %}
        where
            (portal, entity_type, category_id, cohort_month) in (
                select
                    touched.portal,
                    touched.entity_type,
                    touched.category_id,
                    touched.cohort_month
                from {{ ref('int_touched_cohort') }} as touched
            )
    {% endif %}
    group by portal, entity_type, cohort_month, category_id, status_id, age_days

),

by_age as (

    select
        *,
        lag(actual) over younger as actual_before,
        lag(implied) over younger as implied_before,
        lag(strict) over younger as strict_before
    from rows_by_definition
    window younger as (
        partition by portal, entity_type, cohort_month, category_id, status_id
        order by age_days asc nulls last
    )

)

select * from by_age
where
    strict > actual
    or actual > implied
    or implied > least_entities
    or least_entities != most_entities
    or actual < actual_before
    or implied < implied_before
    or strict < strict_before
