-- All months together, at all ages, are the funnel; those whose creation is not known are in the funnel alone.
with unknown as (

    select distinct
        portals.portal,
        stages.entity_type
    from {{ ref('int_reach') }} as reach
    inner join {{ ref('int_stage') }} as stages on reach.stage_key = stages.stage_key
    inner join {{ ref('stg_portals') }} as portals on stages.user_account_id = portals.user_account_id
    where reach.cohort_month = '-infinity'

),

cohorts as (

    select
        portal,
        entity_type,
        category_id,
        status_id,
        sum(entities) filter (where definition = 'actual') as entered,
        sum(reached) filter (where definition = 'actual') as reached,
        sum(reached) filter (where definition = 'implied') as reached_implied
    from {{ ref('funnel_cohort') }}
    where
        age_days is null
        {% if var("by_change") %}
            and portal in (select touched.portal from {{ ref('int_touched_portal') }} as touched)
        {% endif %}
    group by portal, entity_type, category_id, status_id

)

select
    funnel.portal,
    funnel.entity_type,
    funnel.category_id,
    funnel.status_id
from {{ ref('funnel_stats') }} as funnel
left join cohorts
    on
        funnel.portal = cohorts.portal
        and funnel.entity_type = cohorts.entity_type
        and funnel.category_id = cohorts.category_id
        and funnel.status_id = cohorts.status_id
left join unknown
    on
        funnel.portal = unknown.portal
        and funnel.entity_type = unknown.entity_type
where
    unknown.portal is null
    {% if var("by_change") %}
        and funnel.portal in (select touched.portal from {{ ref('int_touched_portal') }} as touched)
    {% endif %}
    and (
        funnel.entered != coalesce(cohorts.entered, 0)
        or funnel.reached != coalesce(cohorts.reached, 0)
        or funnel.reached_implied != coalesce(cohorts.reached_implied, 0)
    )
