-- name: lines(portal, entity_type, ids)
-- The leads or deals of these ids as lines of a list, in the order of the ids.
with wanted as (
    select
        listed.entity_id,
        listed.place
    from unnest(cast(:ids as bigint[])) with ordinality as listed (entity_id, place)
)

select
    fact.entity_id,
    fact.date_create,
    fact.title,
    fact.status_id,
    fact.stage_name,
    coalesce(stage.is_deleted, false) as stage_is_deleted,
    fact.opportunity,
    fact.currency_id,
    fact.owner_name,
    fact.source_name,
    fact.stage_entered_at,
    fact.is_qualified
from wanted
cross join lateral (
    select
        deal.entity_id,
        deal.date_create,
        deal.title,
        deal.category_id,
        deal.status_id,
        deal.stage_name,
        deal.opportunity,
        deal.currency_id,
        deal.owner_name,
        deal.source_name,
        deal.stage_entered_at,
        deal.is_qualified
    from analytics.fct_deal as deal
    where :entity_type = 'deal' and deal.portal = :portal and deal.entity_id = wanted.entity_id
    union all
    select
        lead.entity_id,
        lead.date_create,
        lead.title,
        lead.category_id,
        lead.status_id,
        lead.stage_name,
        lead.opportunity,
        lead.currency_id,
        lead.owner_name,
        lead.source_name,
        lead.stage_entered_at,
        lead.is_qualified
    from analytics.fct_lead as lead
    where :entity_type = 'lead' and lead.portal = :portal and lead.entity_id = wanted.entity_id
) as fact
left join analytics.dim_stage as stage
    on
        stage.portal = :portal
        and stage.entity_type = :entity_type
        and fact.category_id = stage.category_id
        and fact.status_id = stage.status_id
order by wanted.place;
