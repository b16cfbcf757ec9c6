{{ config(materialized='view') }}

with own_leads as (

    select * from {{ ref('stg_own_leads') }}

),

journeys as (

    select
        journey.*,
        stage_keys[cardinality(stage_keys)] as stage_key
    from {{ ref('int_journey') }} as journey
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
        journeys.entity_id,
        stages.category_id,
        stages.status_id,
        stages.stage_key,
        coalesce(stages.is_success_stage, false) as is_won,
        coalesce(stages.is_fail_stage, false) as is_lost,
        journeys.entity_id is not null and (
            by_type.is_qualified
            or coalesce(
                journeys.stage_keys && (
                    select array_agg(qualifying.stage_key)
                    from stages as qualifying
                    where qualifying.is_qualified_stage
                ), false
            )
        ) as is_qualified,
        journeys.opportunity,
        journeys.currency_id,
        journeys.entity_id is not null and row_number() over (
            -- the number first: most rows are told apart by it, and sorted in a third of the time
            partition by journeys.entity_id, by_type.entity_type, by_type.user_account_id
            order by by_type.created_at, by_type.own_lead_id
        ) = 1 as is_first_of_entity
    from by_type
    left join journeys
        on
            by_type.user_account_id = journeys.user_account_id
            and by_type.entity_type = journeys.entity_type
            and by_type.entity_id = journeys.entity_id
    left join stages on journeys.stage_key = stages.stage_key

)

select * from final
