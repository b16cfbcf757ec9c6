with source as (

    select * from {{ source('own', 'creatives') }}

),

final as (

    select
        user_account_id,
        id as creative_id,
        name as creative_name,
        direction_id,
        created_at
    from source

)

select * from final
