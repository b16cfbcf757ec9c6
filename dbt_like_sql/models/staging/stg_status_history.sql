with source as (

    select * from {{ source('raw', 'status_history') }}

),

final as (

    select
        id as move_id,
        user_account_id,
        entity_type,
        entity_id,
        history_id,
        to_category_id as category_id,
        to_status_id as status_id,
        changed_at,
        source,
        loaded_at
    from source
    -- the funnels are those of leads and deals
    where entity_type in ('lead', 'deal')

)

select * from final
