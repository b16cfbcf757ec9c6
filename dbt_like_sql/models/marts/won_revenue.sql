{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        closing.entity_type,
        closing.entity_id,
        closing.category_id,
        closing.closed_at as won_at,
        (closing.closed_at at time zone portals.time_zone)::date as day,
        closing.opportunity as amount,
        closing.currency_id
    from {{ ref('int_closing') }} as closing
    inner join portals on closing.user_account_id = portals.user_account_id
    where closing.outcome = 'won' and closing.entity_type = 'deal'

)

select * from final
