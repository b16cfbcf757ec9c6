{{ config(materialized='view') }}

with own_leads as (

    select * from {{ ref('stg_own_leads') }}

),

matches as (

    select * from {{ ref('stg_lead_matches') }}

),

creatives as (

    select * from {{ ref('stg_creatives') }}

),

directions as (

    select * from {{ ref('stg_directions') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

leads as (

    select * from {{ ref('stg_leads') }}

),

deals as (

    select * from {{ ref('stg_deals') }}

),

final as (

    select
        portals.portal,
        own_leads.entity_type,
        own_leads.own_lead_id,
        own_leads.created_at,
        own_leads.creative_id,
        creatives.creative_name,
        own_leads.direction_id,
        directions.direction_name,
        own_leads.lead_id,
        own_leads.contact_id,
        matches.company_id,
        own_leads.deal_id,
        own_leads.category_id,
        own_leads.status_id,
        case when own_leads.deal_id is null then leads.date_create else deals.date_create end as entity_created_at,
        case when own_leads.deal_id is null then leads.date_create else deals.date_create end < own_leads.created_at
            as is_older,
        matches.method,
        case when matches.own_lead_id is null then 'not_matched_yet' else matches.unmatched_reason end
            as unmatched_reason,
        matches.chosen_because,
        matches.candidates,
        matches.matched_at,
        matches.asked_portal_at
    from own_leads
    inner join portals on own_leads.user_account_id = portals.user_account_id
    left join matches on own_leads.own_lead_id = matches.own_lead_id
    left join creatives on own_leads.creative_id = creatives.creative_id
    left join directions on own_leads.direction_id = directions.direction_id
    left join deals
        on own_leads.user_account_id = deals.user_account_id and own_leads.deal_id = deals.deal_id
    left join leads
        on own_leads.user_account_id = leads.user_account_id and own_leads.lead_id = leads.lead_id

)

select * from final
