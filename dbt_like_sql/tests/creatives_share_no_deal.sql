-- The deals won by all creatives together are deals that some own lead has become, each once.
with by_creative as (

    select
        portal,
        entity_type,
        sum(entities) as entities,
        sum(won) as won
    from {{ ref('creative_stats') }}
    group by portal, entity_type

),

facts as (

    select
        portal,
        entity_type,
        entity_id,
        is_won
    from {{ ref('fct_deal') }}

    union all

    select
        portal,
        entity_type,
        entity_id,
        is_won
    from {{ ref('fct_lead') }}

),

linked as (

    select distinct
        portals.portal,
        own_lead.entity_type,
        own_lead.entity_id
    from {{ ref('int_own_lead') }} as own_lead
    inner join {{ ref('stg_portals') }} as portals on own_lead.user_account_id = portals.user_account_id
    where own_lead.entity_id is not null

),

by_entity as (

    select
        facts.portal,
        facts.entity_type,
        count(*) as entities,
        count(*) filter (where facts.is_won) as won
    from facts
    inner join linked
        on
            facts.portal = linked.portal
            and facts.entity_type = linked.entity_type
            and facts.entity_id = linked.entity_id
    group by facts.portal, facts.entity_type

)

select *
from by_creative
full join by_entity using (portal, entity_type)
where
    coalesce(by_creative.entities, 0) != coalesce(by_entity.entities, 0)
    or coalesce(by_creative.won, 0) != coalesce(by_entity.won, 0)
