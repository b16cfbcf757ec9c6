with source as (

    select * from {{ source('raw', 'reconciliation') }}

),

final as (

    select
        user_account_id,
        checked_at,
        entity_type,
        category_id,
        status_id,
        portal_count,
        our_count,
        portal_amounts,
        our_amounts,
        missing_ids,
        surplus_ids,
        differing_ids,
        rows_compared,
        is_equal,
        is_explained,
        is_repaired,
        explanation
    from source

)

select * from final
