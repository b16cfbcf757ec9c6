with source as (

    select * from {{ source('own', 'lead_matches') }}

),

final as (

    select
        user_account_id,
        lead_id as own_lead_id,
        method,
        bitrix24_lead_id as lead_id,
        bitrix24_contact_id as contact_id,
        bitrix24_company_id as company_id,
        bitrix24_deal_id as deal_id,
        candidates,
        chosen_because,
        unmatched_reason,
        asked_portal_at,
        matched_at,
        updated_at
    from source

)

select * from final
