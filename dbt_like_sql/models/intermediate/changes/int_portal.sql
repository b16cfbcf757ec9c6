{{ config(unique_key='user_account_id') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        user_account_id,
        portal,
        time_zone
    from portals

)

select * from final
