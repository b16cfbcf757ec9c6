with source as (

    select * from {{ source('raw', 'contact_links') }}

),

final as (

    select
        user_account_id,
        entity_type,
        entity_id,
        contact_id,
        sort,
        is_primary,
        loaded_at,
        deleted_at
    from source

)

select * from final
