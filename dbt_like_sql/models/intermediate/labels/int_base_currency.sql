{{ config(materialized='view') }}

with currencies as (

    select * from {{ ref('stg_currencies') }}

),

final as (

    select
        user_account_id,
        min(currency_id) as base_currency_id
    from currencies
    where is_base and deleted_at is null
    group by user_account_id

)

select * from final
