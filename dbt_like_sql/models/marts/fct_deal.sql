{{ config(materialized='view') }}

with entities as (

    select * from {{ ref('int_qualified_entity') }}
    where entity_type = 'deal'

),

deals as (

    select * from {{ ref('stg_deals') }}

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
        deals.title,
        deals.type_id,
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
        deals.assigned_by_id,
        owners.owner_name,
        deals.source_id,
        sources.source_name,
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
    left join owners
        on
            deals.user_account_id = owners.user_account_id
            and deals.assigned_by_id = owners.owner_id
    left join sources
        on
            deals.user_account_id = sources.user_account_id
            and deals.source_id = sources.source_id

)

select * from final
