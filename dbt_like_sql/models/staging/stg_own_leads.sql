with source as (

    select * from {{ source('own', 'leads') }}

),

final as (

    select
        user_account_id,
        id as own_lead_id,
        creative_id,
        direction_id,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        created_at,
        current_status_id as status_id,
        current_pipeline_id as category_id,
        is_qualified,
        bitrix24_entity_type as entity_type,
        bitrix24_lead_id as lead_id,
        bitrix24_contact_id as contact_id,
        bitrix24_deal_id as deal_id,
        loaded_at
    from source

)

select * from final
