with source as (

    select * from {{ source('raw', 'pipelines') }}

),

final as (

    select
        user_account_id,
        entity_type,
        category_id,
        name as category_name,
        sort as category_sort,
        is_default,
        loaded_at,
        deleted_at
    from source
    -- the funnels are those of leads and deals
    where entity_type in ('lead', 'deal')

)

select * from final
