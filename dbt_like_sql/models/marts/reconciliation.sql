{{ config(materialized='view') }}

with checks as (

    select * from {{ ref('stg_reconciliation') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        checks.checked_at,
        checks.entity_type,
        checks.category_id,
        coalesce(stages.category_name, checks.category_id::text) as category_name,
        checks.status_id,
        coalesce(stages.status_name, checks.status_id) as status_name,
        checks.portal_count,
        checks.our_count,
        checks.portal_amounts,
        checks.our_amounts,
        checks.rows_compared,
        checks.is_equal,
        checks.is_explained,
        checks.is_repaired,
        checks.missing_ids,
        checks.surplus_ids,
        checks.differing_ids,
        checks.explanation
    from checks
    inner join portals on checks.user_account_id = portals.user_account_id
    left join stages
        on
            checks.user_account_id = stages.user_account_id
            and checks.entity_type = stages.entity_type
            and checks.category_id = stages.category_id
            and checks.status_id = stages.status_id

)

select * from final
