with source as (

    select * from {{ source('raw', 'users') }}

),

final as (

    select
        user_account_id,
        id as user_id,
        name as first_name,
        last_name,
        email,
        work_position,
        active as is_active,
        loaded_at,
        deleted_at
    from source

)

select * from final
