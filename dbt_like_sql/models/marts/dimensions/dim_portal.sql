{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portal,
        time_zone
    from portals

)

select * from final
