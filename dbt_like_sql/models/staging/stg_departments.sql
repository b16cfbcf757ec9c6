with source as (

    select * from {{ source('raw', 'departments') }}

),

final as (

    select
        user_account_id,
        id as department_id,
        name as department_name,
        sort as department_sort,
        parent as parent_id,
        uf_head as head_user_id,
        loaded_at,
        deleted_at
    from source

)

select * from final
