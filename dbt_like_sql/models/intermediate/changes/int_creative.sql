{{ config(unique_key='creative_id') }}

with creatives as (

    select * from {{ ref('stg_creatives') }}

),

final as (

    select
        user_account_id,
        creative_id,
        creative_name,
        direction_id
    from creatives

)

select * from final
