with source as (

    select * from {{ source('raw', 'qualification') }}

),

final as (

    select
        user_account_id,
        entity_type,
        entity_id,
        is_qualified,
        matched_field,
        first_qualified_at,
        loaded_at
    from source

)

select * from final
