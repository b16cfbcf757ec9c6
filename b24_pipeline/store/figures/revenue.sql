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

-- name: origins(account, category_id, first_day, last_day, by)
-- What the deals came from that are won now and were won in these days, the origin with the most deals first. They are
-- those of won_revenue. The names come after the count: two sources of one name are one origin.
with counted as (
    select
        case when cast(:by as text) = 'campaign' then journey.utm_campaign else journey.source_id end as code,
        journey.currency_id,
        count(*) as won,
        count(journey.opportunity) as won_with_amount,
        sum(journey.opportunity) as amount
    from analytics_build.int_journey as journey
    where
        journey.user_account_id = :account
        and journey.entity_type = 'deal'
        and journey.closed_on is not null
        and journey.outcome = 'won'
        and (cast(:category_id as bigint) is null or journey.category_id = :category_id)
        and (cast(:first_day as date) is null or journey.closed_on >= :first_day)
        and (cast(:last_day as date) is null or journey.closed_on <= :last_day)
    group by code, journey.currency_id
),

named as (
    select
        counted.*,
        coalesce(source.source_name, counted.code) as origin
    from counted
    left join analytics_build.int_source as source
        on
            cast(:by as text) = 'source'
            and source.user_account_id = :account
            and counted.code = source.source_id
)

select
    origin,
    currency_id,
    sum(won)::bigint as won,
    sum(amount) as amount,
    sum(amount) / nullif(sum(won_with_amount), 0) as average_amount
from named
group by origin, currency_id
order by won desc, origin asc, currency_id asc;

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
