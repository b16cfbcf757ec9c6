{{ config(materialized='view') }}

with visits as (

    select * from {{ ref('int_stage_interval') }}
    where is_counted

),

kinds as (

    select * from {{ ref('int_entry_kind') }}

),

final as (

    select
        visits.user_account_id,
        visits.entity_type,
        visits.entity_id,
        visits.visit_number,
        visits.category_id,
        visits.status_id,
        visits.stage_key,
        visits.previous_category_id,
        visits.previous_status_id,
        visits.previous_stage_key,
        visits.entered_at,
        visits.exited_at,
        visits.entered_on,
        kinds.entry_kind,
        visits.source
    from visits
    inner join kinds
        on
            visits.stage_key = kinds.stage_key
            and coalesce(visits.previous_stage_key, 0) = kinds.previous_stage_key

)

select * from final
