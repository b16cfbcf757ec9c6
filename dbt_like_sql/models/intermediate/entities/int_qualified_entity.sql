{{ config(materialized='view') }}

with entities as (

    select * from {{ ref('int_entity') }}
    where is_counted

),

portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

qualified_by_field as (

    select
        user_account_id,
        entity_type,
        entity_id
    from {{ ref('stg_qualification') }}
    where is_qualified

),

final as (

    select
        entities.user_account_id,
        portals.portal,
        entities.entity_type,
        entities.entity_id,
        entities.category_id,
        stages.category_name as pipeline_name,
        entities.status_id,
        stages.status_name as stage_name,
        coalesce(stages.is_success_stage, false) as is_won,
        coalesce(stages.is_fail_stage, false) as is_lost,
        not coalesce(stages.is_success_stage or stages.is_fail_stage, false) as is_open,
        -- a subquery and no join, so that whoever does not read this column does not wait for it
        coalesce(
            (
                select journey.is_qualified
                from {{ ref('int_journey') }} as journey
                where
                    journey.user_account_id = entities.user_account_id
                    and journey.entity_type = entities.entity_type
                    and journey.entity_id = entities.entity_id
            ), qualified_by_field.entity_id is not null
        ) as is_qualified,
        entities.opportunity,
        entities.currency_id
    from entities
    inner join portals on entities.user_account_id = portals.user_account_id
    left join stages
        on
            entities.user_account_id = stages.user_account_id
            and entities.entity_type = stages.entity_type
            and entities.category_id = stages.category_id
            and entities.status_id = stages.status_id
    left join qualified_by_field
        on
            entities.user_account_id = qualified_by_field.user_account_id
            and entities.entity_type = qualified_by_field.entity_type
            and entities.entity_id = qualified_by_field.entity_id

)

select * from final
