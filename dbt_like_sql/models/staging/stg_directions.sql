with source as (

    select * from {{ source('own', 'directions') }}

),

final as (

    select
        user_account_id,
        id as direction_id,
        name as direction_name,
        bitrix24_entity_type as entity_type,
        key_stages,
        created_at
    from source

)

select * from final
