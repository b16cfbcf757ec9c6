with source as (

    select * from {{ source('raw', 'statuses') }}

),

final as (

    select
        user_account_id,
        directory,
        status_id,
        name as status_name,
        sort as status_sort,
        loaded_at,
        deleted_at
    from source

)

select * from final
