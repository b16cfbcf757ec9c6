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

currencies as (

    select * from {{ ref('stg_currencies') }}

),

bases as (

    select * from {{ ref('int_base_currency') }}

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
        leads.utm_term,
        owners.department_id,
        owners.department_name,
        round(entities.opportunity * currencies.rate, 2) as opportunity_in_base,
        bases.base_currency_id,
        -- subqueries and no joins, so that whoever does not read these columns does not wait for them
        (
            select companies.company_name
            from {{ ref('stg_companies') }} as companies
            where
                companies.user_account_id = leads.user_account_id
                and companies.company_id = leads.company_id
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
            select (leads.date_create at time zone portals.time_zone)::date
            from {{ ref('stg_portals') }} as portals
            where portals.user_account_id = leads.user_account_id
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
        leads.last_activity_time,
        leads.created_by_id,
        leads.moved_by_id
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
    left join currencies
        on
            entities.user_account_id = currencies.user_account_id
            and entities.currency_id = currencies.currency_id
    left join bases on entities.user_account_id = bases.user_account_id

)

select * from final
