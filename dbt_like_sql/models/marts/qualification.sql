{{ config(materialized='view') }}

with entities as (

    select * from {{ ref('int_entity') }}
    where is_counted

),

evaluated as (

    select * from {{ ref('stg_qualification') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        entities.entity_type,
        entities.entity_id,
        coalesce(evaluated.is_qualified, false) as is_qualified,
        evaluated.matched_field,
        evaluated.first_qualified_at
    from entities
    inner join portals on entities.user_account_id = portals.user_account_id
    left join evaluated
        on
            entities.user_account_id = evaluated.user_account_id
            and entities.entity_type = evaluated.entity_type
            and entities.entity_id = evaluated.entity_id

)

select * from final
