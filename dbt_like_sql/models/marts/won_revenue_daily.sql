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

final as (

    select
        portals.portal,
        'deal' as entity_type,
        pipelines.category_id,
        bookings.currency_id,
        bookings.day,
        coalesce(sum(bookings.deals) filter (where bookings.booked_key = pipelines.pipeline_key), 0)::bigint
            as booked_deals,
        coalesce(sum(bookings.amount) filter (where bookings.booked_key = pipelines.pipeline_key), 0)
            as booked_amount,
        coalesce(sum(bookings.deals) filter (where bookings.booked_key = ~pipelines.pipeline_key), 0)::bigint
            as reversed_deals,
        coalesce(sum(bookings.amount) filter (where bookings.booked_key = ~pipelines.pipeline_key), 0)
            as reversed_amount,
        sum(case when bookings.booked_key = pipelines.pipeline_key then bookings.amount else -bookings.amount end)
            as net_amount
    from {{ ref('int_booking_count') }} as bookings
    inner join pipelines on bookings.booked_key in (pipelines.pipeline_key, ~pipelines.pipeline_key)
    inner join portals on pipelines.user_account_id = portals.user_account_id
    group by portals.portal, pipelines.category_id, bookings.currency_id, bookings.day

)

select * from final
