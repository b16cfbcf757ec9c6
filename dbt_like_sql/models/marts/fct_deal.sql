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
        deals.utm_term,
        types.type_name,
        owners.department_id,
        owners.department_name,
        round(entities.opportunity * currencies.rate, 2) as opportunity_in_base,
        bases.base_currency_id,
        -- subqueries and no joins, so that whoever does not read these columns does not wait for them
        (
            select companies.company_name
            from {{ ref('stg_companies') }} as companies
            where
                companies.user_account_id = deals.user_account_id
                and companies.company_id = deals.company_id
        ) as company_name,
        (
            select journey.entered_at[cardinality(journey.stage_keys)]
            from {{ ref('int_journey') }} as journey
            where
                journey.user_account_id = entities.user_account_id
                and journey.entity_type = entities.entity_type
                and journey.entity_id = entities.entity_id
        ) as stage_entered_at,
        (
            select journey.entered_at[journey.closing_visit]
            from {{ ref('int_journey') }} as journey
            where
                journey.user_account_id = entities.user_account_id
                and journey.entity_type = entities.entity_type
                and journey.entity_id = entities.entity_id
        ) as closed_at,
        (
            select journey.reopened_count
            from {{ ref('int_journey') }} as journey
            where
                journey.user_account_id = entities.user_account_id
                and journey.entity_type = entities.entity_type
                and journey.entity_id = entities.entity_id
        ) as reopened_count,
        (
            select leads.date_create
            from {{ ref('stg_leads') }} as leads
            where
                leads.user_account_id = deals.user_account_id
                and leads.lead_id = deals.lead_id
        ) as lead_date_create,
        (
            select (deals.date_create at time zone portals.time_zone)::date
            from {{ ref('stg_portals') }} as portals
            where portals.user_account_id = deals.user_account_id
        ) as created_day,
        (
            select journey.closed_on
            from {{ ref('int_journey') }} as journey
            where
                journey.user_account_id = entities.user_account_id
                and journey.entity_type = entities.entity_type
                and journey.entity_id = entities.entity_id
        ) as closed_day,
        entities.pipeline_name as category_name,
        entities.stage_name as status_name,
        deals.last_activity_time,
        deals.probability,
        deals.is_return_customer,
        deals.created_by_id,
        deals.moved_by_id
    from entities
    inner join deals
        on
            entities.user_account_id = deals.user_account_id
            and entities.entity_id = deals.deal_id
    left join owners
        on
            deals.user_account_id = owners.user_account_id
            and deals.assigned_by_id = owners.owner_id
    left join {{ ref('int_source') }} as sources
        on
            deals.user_account_id = sources.user_account_id
            and deals.source_id = sources.source_id
    left join {{ ref('int_deal_type') }} as types
        on
            deals.user_account_id = types.user_account_id
            and deals.type_id = types.type_id
    left join {{ ref('stg_currencies') }} as currencies
        on
            entities.user_account_id = currencies.user_account_id
            and entities.currency_id = currencies.currency_id
    left join {{ ref('int_base_currency') }} as bases on entities.user_account_id = bases.user_account_id

)

select * from final
