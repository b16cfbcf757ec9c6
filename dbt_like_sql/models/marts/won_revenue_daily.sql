{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

pipelines as (

    select distinct
        user_account_id,
        category_id,
        pipeline_key
    from {{ ref('int_stage') }}
    where entity_type = 'deal'

),

summed as (

    select
        pipelines.user_account_id,
        pipelines.category_id,
        bookings.currency_id,
        bookings.day,
        coalesce(sum(bookings.deals) filter (where bookings.booked_key = pipelines.pipeline_key), 0) as booked_deals,
        coalesce(sum(bookings.amount) filter (where bookings.booked_key = pipelines.pipeline_key), 0) as booked_amount,
        coalesce(sum(bookings.deals) filter (where bookings.booked_key = ~pipelines.pipeline_key), 0) as reversed_deals,
        coalesce(sum(bookings.amount) filter (where bookings.booked_key = ~pipelines.pipeline_key), 0)
            as reversed_amount
    from {{ ref('int_booking_count') }} as bookings
    inner join pipelines on bookings.booked_key in (pipelines.pipeline_key, ~pipelines.pipeline_key)
    group by pipelines.user_account_id, pipelines.category_id, bookings.currency_id, bookings.day

),

final as (

    select
        portals.portal,
        'deal' as entity_type,
        summed.category_id,
        summed.currency_id,
        summed.day,
        summed.booked_deals::bigint as booked_deals,
        -- counts keep no trailing zeros, and money has two digits at least
        case
            when summed.booked_amount = 0 then 0
            else round(summed.booked_amount, greatest(scale(summed.booked_amount), 2))
        end as booked_amount,
        summed.reversed_deals::bigint as reversed_deals,
        case
            when summed.reversed_amount = 0 then 0
            else round(summed.reversed_amount, greatest(scale(summed.reversed_amount), 2))
        end as reversed_amount,
        round(
            summed.booked_amount - summed.reversed_amount,
            greatest(scale(summed.booked_amount), scale(summed.reversed_amount), 2)
        ) as net_amount
    from summed
    inner join portals on summed.user_account_id = portals.user_account_id

)

select * from final
