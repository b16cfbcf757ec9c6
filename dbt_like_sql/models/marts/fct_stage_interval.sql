{{ config(materialized='view') }}

with visits as (

    select * from {{ ref('int_visit') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

final as (

    select
        portals.portal,
        visits.entity_type,
        visits.entity_id,
        visits.visit_number,
        visits.category_id,
        visits.status_id,
        visits.previous_category_id,
        visits.previous_status_id,
        visits.entered_at,
        visits.exited_at,
        extract(epoch from visits.exited_at - visits.entered_at) as duration_seconds,
        visits.exited_at is null as is_current,
        visits.entry_kind,
        visits.source,
        stages.category_name,
        stages.status_name,
        stages.status_sort
    from visits
    inner join portals on visits.user_account_id = portals.user_account_id
    left join stages
        on
            visits.user_account_id = stages.user_account_id
            and visits.entity_type = stages.entity_type
            and visits.category_id = stages.category_id
            and visits.status_id = stages.status_id

)

select * from final
