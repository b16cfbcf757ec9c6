with source as (

    select * from {{ source('raw', 'companies') }}

),

final as (

    select
        user_account_id,
        id as company_id,
        date_create,
        date_modify,
        loaded_at,
        deleted_at
    from source

)

select * from final
