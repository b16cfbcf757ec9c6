-- Whoever stands in a stage of the funnel stands there with one campaign and content, or with none.
with by_utm as (

    select
        portal,
        entity_type,
        category_id,
        status_id,
        sum(count) as entities
    from {{ ref('utm_funnel_stats') }}
    {% if var("by_change") %}
        where portal in (select touched.portal from {{ ref('int_touched_portal') }} as touched)
    {% endif %}
    group by portal, entity_type, category_id, status_id

),

funnel as (

    select * from {{ ref('funnel_stats') }}
    {% if var("by_change") %}
        where portal in (select touched.portal from {{ ref('int_touched_portal') }} as touched)
    {% endif %}

)

select *
from funnel
full join by_utm using (portal, entity_type, category_id, status_id)
where coalesce(funnel.in_stage, 0) != coalesce(by_utm.entities, 0)
