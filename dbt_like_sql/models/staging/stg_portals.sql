with source as (

    select * from {{ source('raw', 'portals') }}

),

final as (

    select
        id as user_account_id,
        name as portal,
        bitrix24_time_zone as time_zone,
        bitrix24_entity_type as counted_entity_type
    from source

)

select * from final
