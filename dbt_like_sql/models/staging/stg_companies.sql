with source as (

    select * from {{ source('raw', 'companies') }}

),

final as (

    select
        user_account_id,
        id as company_id,
        title as company_name,
        company_type,
        industry,
        employees,
        assigned_by_id,
        is_my_company,
        date_create,
        date_modify,
        loaded_at,
        deleted_at
    from source

)

select * from final
