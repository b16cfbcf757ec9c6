{{ config(materialized='view') }}

with entities as (

    select * from {{ ref('int_entity') }}
    where is_counted and entity_type = 'deal'

),

deals as (

    select * from {{ ref('stg_deals') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

users as (

    select
        user_account_id,
        user_id,
        nullif(concat_ws(' ', nullif(first_name, ''), nullif(last_name, '')), '') as full_name
    from {{ ref('stg_users') }}

),

sources as (

    select * from {{ ref('stg_statuses') }}
    where directory = 'SOURCE'

),

qualified_by_stage as (

    select distinct
        visits.user_account_id,
        visits.entity_id
    from {{ ref('int_stage_interval') }} as visits
    inner join stages
        on
            visits.user_account_id = stages.user_account_id
            and visits.entity_type = stages.entity_type
            and visits.category_id = stages.category_id
            and visits.status_id = stages.status_id
    where visits.entity_type = 'deal' and stages.is_qualified_stage

),

qualified_by_field as (

    select
        user_account_id,
        entity_id
    from {{ ref('stg_qualification') }}
    where entity_type = 'deal' and is_qualified

),

final as (

    select
        portals.portal,
        entities.entity_type,
        entities.entity_id,
        deals.title,
        deals.type_id,
        entities.category_id,
        stages.category_name as pipeline_name,
        entities.status_id,
        stages.status_name as stage_name,
        coalesce(stages.is_success_stage, false) as is_won,
        coalesce(stages.is_fail_stage, false) as is_lost,
        not coalesce(stages.is_success_stage or stages.is_fail_stage, false) as is_open,
        qualified_by_field.entity_id is not null
        or qualified_by_stage.entity_id is not null
        or coalesce(stages.is_qualified_stage, false) as is_qualified,
        entities.opportunity,
        entities.currency_id,
        deals.assigned_by_id,
        users.full_name as owner_name,
        deals.source_id,
        sources.status_name as source_name,
        deals.lead_id,
        deals.contact_id,
        deals.company_id,
        deals.date_create,
        deals.date_modify,
        deals.begindate,
        deals.closedate,
        deals.is_closed,
        deals.moved_time,
        deals.utm_source,
        deals.utm_medium,
        deals.utm_campaign,
        deals.utm_content,
        deals.utm_term
    from entities
    inner join deals
        on
            entities.user_account_id = deals.user_account_id
            and entities.entity_id = deals.deal_id
    inner join portals on entities.user_account_id = portals.user_account_id
    left join stages
        on
            entities.user_account_id = stages.user_account_id
            and entities.entity_type = stages.entity_type
            and entities.category_id = stages.category_id
            and entities.status_id = stages.status_id
    left join users
        on
            deals.user_account_id = users.user_account_id
            and deals.assigned_by_id = users.user_id
    left join sources
        on
            deals.user_account_id = sources.user_account_id
            and deals.source_id = sources.status_id
    left join qualified_by_stage
        on
            entities.user_account_id = qualified_by_stage.user_account_id
            and entities.entity_id = qualified_by_stage.entity_id
    left join qualified_by_field
        on
            entities.user_account_id = qualified_by_field.user_account_id
            and entities.entity_id = qualified_by_field.entity_id

)

select * from final
