-- Whoever is won or lost by its stage's flags is counted once by month of closing and once by stage of loss.
with facts as (

    select
        portal,
        entity_type,
        count(*) filter (where is_won) as won,
        count(*) filter (where is_lost and not is_won) as lost
    from {{ ref('fct_deal') }}
    group by portal, entity_type

    union all

    select
        portal,
        entity_type,
        count(*) filter (where is_won) as won,
        count(*) filter (where is_lost and not is_won) as lost
    from {{ ref('fct_lead') }}
    group by portal, entity_type

),

velocity as (

    select
        portal,
        entity_type,
        sum(won) as won,
        sum(lost) as lost
    from {{ ref('sales_velocity') }}
    group by portal, entity_type

),

losses as (

    select
        portal,
        entity_type,
        sum(lost) as lost
    from {{ ref('loss_stage') }}
    group by portal, entity_type

)

select
    facts.portal,
    facts.entity_type,
    facts.won,
    facts.lost
from facts
left join velocity
    on
        facts.portal = velocity.portal
        and facts.entity_type = velocity.entity_type
left join losses
    on
        facts.portal = losses.portal
        and facts.entity_type = losses.entity_type
where
    facts.won != coalesce(velocity.won, 0)
    or facts.lost != coalesce(velocity.lost, 0)
    or facts.lost != coalesce(losses.lost, 0)
