{{ config(materialized='view') }}

with links as (

    select * from {{ ref('stg_contact_links') }}
    where deleted_at is null

),

owners as (

    select
        user_account_id,
        'lead' as entity_type,
        lead_id as entity_id
    from {{ ref('stg_leads') }}
    where deleted_at is null
    union all
    select
        user_account_id,
        'deal' as entity_type,
        deal_id as entity_id
    from {{ ref('stg_deals') }}
    -- templates of recurring deals are no deals
    where deleted_at is null and is_recurring is not true
    union all
    select
        user_account_id,
        'company' as entity_type,
        company_id as entity_id
    from {{ ref('stg_companies') }}
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
    inner join owners
        on
            links.user_account_id = owners.user_account_id and links.entity_type = owners.entity_type
            and links.entity_id = owners.entity_id
    inner join contacts
        on links.user_account_id = contacts.user_account_id and links.contact_id = contacts.contact_id
    inner join portals on links.user_account_id = portals.user_account_id

)

select * from final
