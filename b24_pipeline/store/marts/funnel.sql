-- name: has_funnel()$
-- Whether the models were built.
select to_regclass('analytics.funnel_stats') is not null;

-- name: reads_accounts()$
-- Whether the role may see which portals are connected. Whoever reads the marts alone may not.
select coalesce(has_table_privilege(to_regclass('public.user_accounts'), 'select'), false);

-- name: portals()
-- The names of the portals, for as long as there are no marts.
select name from user_accounts;

-- name: portals_of_marts()
-- The names of the portals, as analysts may read them.
select portal from analytics.dim_portal;

-- name: has_leads_alone(portal)$
-- Whether a portal has leads and no deals.
select
    coalesce(bool_or(entity_type = 'lead' and entered > 0), false)
    and not coalesce(bool_or(entity_type = 'deal' and entered > 0), false)
from analytics.funnel_stats
where portal = :portal;

-- name: funnel(portal, entity_type, category_id)
-- One pipeline or all, in their order.
select f.*
from analytics.funnel_stats as f
left join analytics.dim_pipeline as p
    on f.portal = p.portal and f.entity_type = p.entity_type and f.category_id = p.category_id
where
    f.portal = :portal and f.entity_type = :entity_type
    and (cast(:category_id as bigint) is null or f.category_id = :category_id)
order by p.category_sort asc nulls last, f.category_id asc, f.status_sort asc nulls last, f.status_id asc;

-- name: was_synced(portal)$
-- Whether anything of the portal was ever read to the end.
select exists(
    select 1
    from bitrix24_sync_log as l
    inner join user_accounts as a on l.user_account_id = a.id
    where a.name = :portal and l.sync_status = 'success'
);

-- name: pipelines(portal, entity_type)
-- The numbers and names of the pipelines that have a funnel, in their order.
select distinct
    f.category_id,
    f.category_name,
    p.category_sort
from analytics.funnel_stats as f
left join analytics.dim_pipeline as p
    on f.portal = p.portal and f.entity_type = p.entity_type and f.category_id = p.category_id
where f.portal = :portal and f.entity_type = :entity_type
order by p.category_sort asc nulls last, f.category_id asc;

-- name: funnels()
-- All funnels, stage by stage; a deleted stage that nothing has reached is left out.
select
    portal,
    entity_type,
    category_id,
    category_name,
    status_id,
    status_name,
    semantics,
    entered,
    reached,
    conversion_from_start,
    is_deleted
from analytics.funnel_stats
where reached > 0 or not is_deleted
order by
    portal asc,
    entity_type asc,
    category_id asc,
    status_sort asc nulls last,
    status_id asc;
