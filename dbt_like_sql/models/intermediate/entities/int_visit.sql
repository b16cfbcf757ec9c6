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
    -- as one value: by two, the planner takes the number of rows for a fraction, and reads all visits of a stage anew
    -- for each way into it
    inner join kinds
        on
            array[visits.stage_key, coalesce(visits.previous_stage_key, 0)]
            = array[kinds.stage_key, kinds.previous_stage_key]

)

select * from final
