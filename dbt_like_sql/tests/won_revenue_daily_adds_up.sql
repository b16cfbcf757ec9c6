-- What was booked, less what was reversed, is what is won now.
with ledger as (

    select
        portal,
        category_id,
        currency_id,
        sum(net_amount) as amount,
        sum(booked_deals - reversed_deals) as deals
    from {{ ref('won_revenue_daily') }}
    group by portal, category_id, currency_id

),

present as (

    select
        portal,
        category_id,
        currency_id,
        coalesce(sum(amount), 0) as amount,
        count(*) as deals
    from {{ ref('won_revenue') }}
    group by portal, category_id, currency_id

)

select *
from ledger
full join present using (portal, category_id, currency_id)
where
    coalesce(ledger.amount, 0) != coalesce(present.amount, 0)
    or coalesce(ledger.deals, 0) != coalesce(present.deals, 0)
