-- Whoever is alive stands in exactly one stage of the funnel.
with facts as (

    select
        portal,
        entity_type,
        count(*) as entities
    from {{ ref('fct_lead') }}
    where status_id is not null
    group by portal, entity_type

    union all

    select
        portal,
        entity_type,
        count(*) as entities
    from {{ ref('fct_deal') }}
    where status_id is not null
    group by portal, entity_type

),

funnel as (

    select
        portal,
        entity_type,
        sum(in_stage) as entities
    from {{ ref('funnel_stats') }}
    group by portal, entity_type

)

select *
from facts
full join funnel using (portal, entity_type)
where coalesce(facts.entities, 0) != coalesce(funnel.entities, 0)
