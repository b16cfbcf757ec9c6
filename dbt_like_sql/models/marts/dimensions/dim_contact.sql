{{ config(materialized='view') }}

with contacts as (

    select * from {{ ref('stg_contacts') }}
    where deleted_at is null

),

portals as (

    select * from {{ ref('stg_portals') }}

),

owners as (

    select * from {{ ref('int_owner') }}

),

sources as (

    select * from {{ ref('int_source') }}

),

final as (

    select
        portals.portal,
        'contact' as entity_type,
        contacts.contact_id as entity_id,
        public.b24_masked_phone(contacts.phones -> 0 ->> 'VALUE') as phone_masked,
        case when jsonb_typeof(contacts.phones) = 'array' then jsonb_array_length(contacts.phones) else 0 end
            as phone_count,
        public.b24_masked_email(contacts.emails -> 0 ->> 'VALUE') as email_masked,
        case when jsonb_typeof(contacts.emails) = 'array' then jsonb_array_length(contacts.emails) else 0 end
            as email_count,
        contacts.company_id,
        contacts.lead_id,
        contacts.assigned_by_id,
        owners.owner_name,
        contacts.source_id,
        sources.source_name,
        contacts.date_create,
        contacts.date_modify,
        contacts.utm_source,
        contacts.utm_medium,
        contacts.utm_campaign,
        contacts.utm_content,
        contacts.utm_term
    from contacts
    inner join portals on contacts.user_account_id = portals.user_account_id
    left join owners
        on
            contacts.user_account_id = owners.user_account_id
            and contacts.assigned_by_id = owners.owner_id
    left join sources
        on
            contacts.user_account_id = sources.user_account_id
            and contacts.source_id = sources.source_id

)

select * from final
