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

)

select * from final
