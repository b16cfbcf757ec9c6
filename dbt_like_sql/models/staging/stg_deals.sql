with source as (

    select * from {{ source('raw', 'deals') }}

),

final as (

    select
        user_account_id,
        id as deal_id,
        title,
        type_id,
        category_id,
        stage_id as status_id,
        stage_semantic_id as status_semantic_id,
        is_recurring,
        opportunity,
        currency_id,
        probability,
        source_id,
        assigned_by_id,
        lead_id,
        contact_id,
        company_id,
        date_create,
        date_modify,
        begindate,
        closedate,
        closed as is_closed,
        moved_time,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        custom_fields,
        loaded_at,
        deleted_at
    from source

)

select * from final
