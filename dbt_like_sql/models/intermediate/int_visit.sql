{{ config(materialized='view') }}

with visits as (

    select * from {{ ref('int_stage_interval') }}
    where is_counted

),

stages as (

    select * from {{ ref('int_stage') }}

),

final as (

    select
        visits.user_account_id,
        visits.entity_type,
        visits.entity_id,
        visits.visit_number,
        visits.category_id,
        visits.status_id,
        visits.previous_category_id,
        visits.previous_status_id,
        visits.entered_at,
        visits.exited_at,
        stages.stage_number,
        stages.pipeline_number,
        stage_before.stage_number as previous_stage_number,
        case
            when visits.visit_number = 1 then 'create'
            when visits.category_id != visits.previous_category_id then 'pipeline_change'
            when stages.semantics = 'success' then 'won'
            when stages.semantics = 'failure' then 'lost'
            when stage_before.semantics in ('success', 'failure') then 'reopen'
            when stages.status_sort < stage_before.status_sort then 'back'
            when
                stages.status_sort > stage_before.status_sort
                and stages.steps_before > stage_before.steps_through
                then 'skip'
            else 'forward'
        end as entry_kind,
        visits.source
    from visits
    inner join stages
        on
            visits.user_account_id = stages.user_account_id
            and visits.entity_type = stages.entity_type
            and visits.category_id = stages.category_id
            and visits.status_id = stages.status_id
    left join stages as stage_before
        on
            visits.user_account_id = stage_before.user_account_id
            and visits.entity_type = stage_before.entity_type
            and visits.previous_category_id = stage_before.category_id
            and visits.previous_status_id = stage_before.status_id

)

select * from final
