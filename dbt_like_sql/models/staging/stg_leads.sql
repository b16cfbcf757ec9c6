with source as (

    select * from {{ source('raw', 'leads') }}

),

final as (

    select
        user_account_id,
        id as lead_id,
        title,
        name as first_name,
        last_name,
        company_title,
        status_id,
        status_semantic_id,
        opportunity,
        currency_id,
        source_id,
        assigned_by_id,
        contact_id,
        company_id,
        date_create,
        date_modify,
        date_closed,
        moved_time,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        custom_fields,
        loaded_at,
        deleted_at,
        phones,
        emails
    from source

)

select * from final
