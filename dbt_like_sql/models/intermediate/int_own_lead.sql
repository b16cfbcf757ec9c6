{{ config(materialized='view') }}

with own_leads as (

    select * from {{ ref('stg_own_leads') }}

),

entities as (

    select * from {{ ref('int_entity') }}
    where is_counted

),

stages as (

    select * from {{ ref('int_stage') }}

),

by_type as (

    select
        user_account_id,
        own_lead_id,
        'lead' as entity_type,
        lead_id as entity_id,
        creative_id,
        direction_id,
        created_at,
        is_qualified
    from own_leads

    union all

    select
        user_account_id,
        own_lead_id,
        'deal' as entity_type,
        deal_id as entity_id,
        creative_id,
        direction_id,
        created_at,
        is_qualified
    from own_leads

),

final as (

    select
        by_type.user_account_id,
        by_type.own_lead_id,
        by_type.entity_type,
        by_type.creative_id,
        by_type.direction_id,
        by_type.created_at,
        entities.entity_id,
        entities.category_id,
        entities.status_id,
        stages.stage_key,
        coalesce(stages.is_success_stage, false) as is_won,
        coalesce(stages.is_fail_stage, false) as is_lost,
        entities.entity_id is not null and (
            by_type.is_qualified
            or coalesce(
                journeys.stage_keys && (
                    select array_agg(stages.stage_key)
                    from stages
                    where stages.is_qualified_stage
                ), false
            )
        ) as is_qualified,
        entities.opportunity,
        entities.currency_id,
        entities.entity_id is not null and row_number() over (
            -- the number first: most rows are told apart by it, and sorted in a third of the time
            partition by entities.entity_id, by_type.entity_type, by_type.user_account_id
            order by by_type.created_at, by_type.own_lead_id
        ) = 1 as is_first_of_entity
    from by_type
    left join entities
        on
            by_type.user_account_id = entities.user_account_id
            and by_type.entity_type = entities.entity_type
            and by_type.entity_id = entities.entity_id
    left join stages on entities.stage_key = stages.stage_key and entities.status_id is not null
    left join {{ ref('int_journey') }} as journeys
        on
            entities.user_account_id = journeys.user_account_id
            and entities.entity_type = journeys.entity_type
            and entities.entity_id = journeys.entity_id

)

select * from final
