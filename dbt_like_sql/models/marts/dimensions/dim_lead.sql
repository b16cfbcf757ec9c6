{{ config(materialized='view') }}

with leads as (

    select * from {{ ref('stg_leads') }}
    where deleted_at is null

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        'lead' as entity_type,
        leads.lead_id as entity_id,
        public.b24_masked_phone(leads.phones -> 0 ->> 'VALUE') as phone_masked,
        case when jsonb_typeof(leads.phones) = 'array' then jsonb_array_length(leads.phones) else 0 end
            as phone_count,
        public.b24_masked_email(leads.emails -> 0 ->> 'VALUE') as email_masked,
        case when jsonb_typeof(leads.emails) = 'array' then jsonb_array_length(leads.emails) else 0 end
            as email_count,
        leads.date_create
    from leads
    inner join portals on leads.user_account_id = portals.user_account_id

)

select * from final
