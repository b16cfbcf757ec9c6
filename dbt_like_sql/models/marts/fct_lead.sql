{{ config(materialized='view') }}

with entities as (

    select * from {{ ref('int_entity') }}
    where is_counted and entity_type = 'lead'

),

leads as (

    select * from {{ ref('stg_leads') }}

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
    where visits.entity_type = 'lead' and stages.is_qualified_stage

),

qualified_by_field as (

    select
        user_account_id,
        entity_id
    from {{ ref('stg_qualification') }}
    where entity_type = 'lead' and is_qualified

),

final as (

    select
        portals.portal,
        entities.entity_type,
        entities.entity_id,
        leads.title,
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
        leads.assigned_by_id,
        users.full_name as owner_name,
        leads.source_id,
        sources.status_name as source_name,
        leads.contact_id,
        leads.company_id,
        leads.date_create,
        leads.date_modify,
        leads.date_closed,
        leads.moved_time,
        leads.utm_source,
        leads.utm_medium,
        leads.utm_campaign,
        leads.utm_content,
        leads.utm_term
    from entities
    inner join leads
        on
            entities.user_account_id = leads.user_account_id
            and entities.entity_id = leads.lead_id
    inner join portals on entities.user_account_id = portals.user_account_id
    left join stages
        on
            entities.user_account_id = stages.user_account_id
            and entities.entity_type = stages.entity_type
            and entities.category_id = stages.category_id
            and entities.status_id = stages.status_id
    left join users
        on
            leads.user_account_id = users.user_account_id
            and leads.assigned_by_id = users.user_id
    left join sources
        on
            leads.user_account_id = sources.user_account_id
            and leads.source_id = sources.status_id
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
