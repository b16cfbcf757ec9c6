with source as (

    select * from {{ source('raw', 'currencies') }}

),

final as (

    select
        user_account_id,
        currency as currency_id,
        full_name as currency_name,
        base as is_base,
        -- of the base currency for one unit
        case when base then 1 else amount / nullif(amount_cnt, 0) end as rate,
        sort as currency_sort,
        loaded_at,
        deleted_at
    from source

)

select * from final
