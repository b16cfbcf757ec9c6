{{ config(materialized='view') }}

with currencies as (

    select * from {{ ref('stg_currencies') }}

),

bases as (

    select * from {{ ref('int_base_currency') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        currencies.currency_id,
        currencies.currency_name,
        currencies.is_base,
        bases.base_currency_id,
        currencies.rate as currency_rate,
        currencies.currency_sort,
        currencies.loaded_at as rate_since,
        currencies.deleted_at is not null as is_deleted
    from currencies
    inner join portals on currencies.user_account_id = portals.user_account_id
    left join bases on currencies.user_account_id = bases.user_account_id

)

select * from final
