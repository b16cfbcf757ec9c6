{{ config(materialized='view') }}

with entities as (

    select * from {{ ref('int_qualified_entity') }}
    where entity_type = 'lead'

),

leads as (

    select * from {{ ref('stg_leads') }}

),

owners as (

    select * from {{ ref('int_owner') }}

),

sources as (

    select * from {{ ref('int_source') }}

),

final as (

    select
        entities.portal,
        entities.entity_type,
        entities.entity_id,
        leads.title,
        entities.category_id,
        entities.pipeline_name,
        entities.status_id,
        entities.stage_name,
        entities.is_won,
        entities.is_lost,
        entities.is_open,
        entities.is_qualified,
        entities.opportunity,
        entities.currency_id,
        leads.assigned_by_id,
        owners.owner_name,
        leads.source_id,
        sources.source_name,
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
    left join owners
        on
            leads.user_account_id = owners.user_account_id
            and leads.assigned_by_id = owners.owner_id
    left join sources
        on
            leads.user_account_id = sources.user_account_id
            and leads.source_id = sources.source_id

)

select * from final
