with source as (

    select * from {{ source('raw', 'contacts') }}

),

final as (

    select
        user_account_id,
        id as contact_id,
        source_id,
        assigned_by_id,
        company_id,
        lead_id,
        date_create,
        date_modify,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        phones,
        emails,
        loaded_at,
        deleted_at
    from source

)

select * from final
