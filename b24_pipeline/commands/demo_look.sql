-- name: slowest_stages
-- In which stages do deals stay longest, and how many are there now?
select
    category_name,
    status_name,
    in_stage,
    round((median_seconds / 86400)::numeric, 1) as median_days
from analytics.funnel_stats
where portal = 'demo' and entity_type = 'deal' and semantics = 'process' and median_seconds is not null
order by median_seconds desc
limit 5;

-- name: months
-- How did the deals of each month end, and how many are still open?
select
    date_trunc('month', d.date_create at time zone p.time_zone)::date as month,
    count(*) as deals,
    count(*) filter (where d.is_won) as won,
    count(*) filter (where d.is_lost) as lost,
    count(*) filter (where d.is_open) as still_open
from analytics.fct_deal as d
inner join analytics.dim_portal as p using (portal)
where portal = 'demo'
group by month
order by month desc
limit 6;

-- name: campaigns
-- Which campaigns bring revenue?
select
    coalesce(utm_campaign, '(none)') as campaign,
    count(*) as won,
    round(sum(opportunity_in_base)) as revenue,
    base_currency_id
from analytics.fct_deal
where portal = 'demo' and is_won
group by utm_campaign, base_currency_id
order by revenue desc nulls last
limit 5;
