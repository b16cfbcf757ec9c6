-- name: has_figures()$
-- Whether the models were built.
select to_regclass('analytics.funnel_stats') is not null;

-- name: pipelines(portal)
-- The pipelines of a portal in its order, deals before leads.
select
    entity_type,
    category_id,
    category_name
from analytics.dim_pipeline
where portal = :portal
order by entity_type asc, category_sort asc nulls last, category_id asc;

-- name: latest_creation(account)$
-- When the newest lead or deal was created in the portal; null where there is none.
select greatest(
    (select max(date_create) from bitrix24_deals where user_account_id = :account),
    (select max(date_create) from bitrix24_leads where user_account_id = :account)
);
