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
        -- the first of the list is the main one
        substring(uf_department ->> 0 from '^[0-9]{1,18}$')::bigint as department_id,
        case when jsonb_typeof(uf_department) = 'array' then uf_department else '[]' end as department_ids,
        active as is_active,
        loaded_at,
        deleted_at
    from source

)

select * from final
