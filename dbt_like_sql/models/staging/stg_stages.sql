with source as (

    select * from {{ source('raw', 'stages') }}

),

final as (

    select
        user_account_id,
        entity_type,
        category_id,
        category_name,
        status_id,
        status_name,
        status_color,
        status_sort,
        status_semantics as semantics,
        is_qualified_stage,
        is_success_stage,
        is_fail_stage,
        loaded_at,
        deleted_at
    from source
    -- the funnels are those of leads and deals
    where entity_type in ('lead', 'deal')

)

select * from final
