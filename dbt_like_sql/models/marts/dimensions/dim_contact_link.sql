{{ config(materialized='view') }}

with links as (

    select * from {{ ref('stg_contact_links') }}
    where deleted_at is null

),

leads as (

    select * from {{ ref('stg_leads') }}
    where deleted_at is null

),

deals as (

    select * from {{ ref('stg_deals') }}
    -- templates of recurring deals are no deals
    where deleted_at is null and is_recurring is not true

),

companies as (

    select * from {{ ref('stg_companies') }}
    where deleted_at is null

),

contacts as (

    select * from {{ ref('stg_contacts') }}
    where deleted_at is null

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        links.entity_type,
        links.entity_id,
        links.contact_id,
        links.is_primary,
        links.sort
    from links
    inner join portals on links.user_account_id = portals.user_account_id
    -- left joins by key: where statistics are missing, the planner takes inner ones for empty and goes through all
    left join leads
        on
            links.entity_type = 'lead' and links.user_account_id = leads.user_account_id
            and links.entity_id = leads.lead_id
    left join deals
        on
            links.entity_type = 'deal' and links.user_account_id = deals.user_account_id
            and links.entity_id = deals.deal_id
    left join companies
        on
            links.entity_type = 'company' and links.user_account_id = companies.user_account_id
            and links.entity_id = companies.company_id
    left join contacts
        on links.user_account_id = contacts.user_account_id and links.contact_id = contacts.contact_id
    where
        coalesce(leads.lead_id, deals.deal_id, companies.company_id) is not null
        and contacts.contact_id is not null

)

select * from final
