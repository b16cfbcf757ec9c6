{{ config(materialized='table', unique_key=['portal', 'entity_type', 'category_id', 'status_id']) }}

with stages as (

    select * from {{ ref('int_stage') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        stages.entity_type,
        stages.category_id,
        stages.category_name,
        stages.status_id,
        stages.status_name,
        stages.status_color,
        stages.status_sort,
        stages.semantics,
        stages.is_qualified_stage,
        stages.is_success_stage,
        stages.is_fail_stage,
        stages.is_deleted
    from stages
    inner join portals on stages.user_account_id = portals.user_account_id

)

select * from final
