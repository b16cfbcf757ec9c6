-- Own leads that are in the CRM stand in exactly one stage of their creative's funnel.
with funnels as (

    select
        portal,
        entity_type,
        creative_id,
        direction_id,
        sum(count) as standing,
        sum(qualified) as qualified,
        max(total) as total
    from {{ ref('creative_funnel_stats') }}
    {% if var("by_change") %}
        where portal in (select touched.portal from {{ ref('int_touched_portal') }} as touched)
    {% endif %}
    group by portal, entity_type, creative_id, direction_id

),

stats as (

    select * from {{ ref('creative_stats') }}
    {% if var("by_change") %}
        where portal in (select touched.portal from {{ ref('int_touched_portal') }} as touched)
    {% endif %}

)

select
    stats.portal,
    stats.entity_type,
    stats.creative_id,
    stats.direction_id
from stats
left join funnels
    on
        stats.portal = funnels.portal
        and stats.entity_type = funnels.entity_type
        and stats.creative_id is not distinct from funnels.creative_id
        and stats.direction_id is not distinct from funnels.direction_id
where
    coalesce(funnels.standing, 0) != coalesce(funnels.total, 0)
    or coalesce(funnels.standing, 0) > stats.matched
    or coalesce(funnels.qualified, 0) > stats.qualified
    or stats.matched > stats.leads
    or stats.entities > stats.matched
    or stats.won + stats.lost > stats.entities
