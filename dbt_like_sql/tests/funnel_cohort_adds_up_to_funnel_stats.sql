-- All months together, at all ages, are the funnel; those whose creation is not known are in the funnel alone.
with unknown as (

    select
        portals.portal,
        journey.entity_type
    from {{ ref('int_journey') }} as journey
    inner join {{ ref('stg_portals') }} as portals on journey.user_account_id = portals.user_account_id
    where journey.is_counted and journey.date_create is null
    group by portals.portal, journey.entity_type

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
    where age_days is null
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
    and (
        funnel.entered != coalesce(cohorts.entered, 0)
        or funnel.reached != coalesce(cohorts.reached, 0)
        or funnel.reached_implied != coalesce(cohorts.reached_implied, 0)
    )
