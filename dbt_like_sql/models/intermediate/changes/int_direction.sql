{{ config(unique_key='direction_id') }}

with directions as (

    select * from {{ ref('stg_directions') }}

),

final as (

    select
        user_account_id,
        direction_id,
        direction_name,
        entity_type,
        key_stages
    from directions

)

select * from final
