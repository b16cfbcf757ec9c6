-- name: months(portal, category_id, first_day, last_day)
-- What was won and taken back, by month and currency, the latest month first.
select
    currency_id,
    cast(date_trunc('month', day) as date) as month,
    sum(booked_deals)::bigint as booked_deals,
    sum(booked_amount) as booked_amount,
    sum(reversed_deals)::bigint as reversed_deals,
    sum(reversed_amount) as reversed_amount,
    sum(net_amount) as net_amount
from analytics.won_revenue_daily
where
    portal = :portal
    and (cast(:category_id as bigint) is null or category_id = :category_id)
    and (cast(:first_day as date) is null or day >= :first_day)
    and (cast(:last_day as date) is null or day <= :last_day)
group by currency_id, date_trunc('month', day)
order by month desc, net_amount desc, currency_id asc;

-- name: origins(portal, category_id, first_day, last_day, by)
-- What the deals came from that are won now and were won in these days, the origin with the most deals first.
select
    case when cast(:by as text) = 'campaign' then deals.utm_campaign else coalesce(deals.source_name, deals.source_id) end
        as origin,
    revenue.currency_id,
    count(*) as won,
    sum(revenue.amount) as amount,
    avg(revenue.amount) as average_amount
from analytics.won_revenue as revenue
inner join analytics.fct_deal as deals
    on
        revenue.portal = deals.portal
        and revenue.entity_id = deals.entity_id
where
    revenue.portal = :portal and deals.portal = :portal
    and (cast(:category_id as bigint) is null or revenue.category_id = :category_id)
    and (cast(:first_day as date) is null or revenue.day >= :first_day)
    and (cast(:last_day as date) is null or revenue.day <= :last_day)
group by origin, revenue.currency_id
order by won desc, origin asc, revenue.currency_id asc;

-- name: velocity(portal, category_id, first_day, last_day)
-- Win rate, average deal and velocity of deals by month of closing, pipeline and currency, the latest month first.
select
    category_name,
    currency_id,
    closed_month,
    opportunities,
    won,
    win_rate,
    average_won_amount,
    median_cycle_days,
    velocity_per_day
from analytics.sales_velocity
where
    portal = :portal and entity_type = 'deal'
    and (cast(:category_id as bigint) is null or category_id = :category_id)
    and (cast(:first_day as date) is null or closed_month >= date_trunc('month', cast(:first_day as date)))
    and (cast(:last_day as date) is null or closed_month <= :last_day)
order by closed_month desc, category_id asc, currency_id asc;

-- name: own_currency(portal)$
-- The currency of the account.
select currency_id
from analytics.dim_currency
where portal = :portal and is_base
order by currency_id
limit 1;
