{{ config(unique_key=['stage_key', 'previous_stage_key']) }}

with ways as (

    select * from {{ ref('int_way') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

final as (

    select
        ways.stage_key,
        ways.previous_stage_key,
        case
            when ways.previous_stage_key = 0 then 'create'
            when stages.pipeline_key != stage_before.pipeline_key then 'pipeline_change'
            when stages.is_success_stage then 'won'
            when stages.is_fail_stage then 'lost'
            when stage_before.is_success_stage or stage_before.is_fail_stage then 'reopen'
            when stages.status_sort < stage_before.status_sort then 'back'
            when
                stages.status_sort > stage_before.status_sort
                and stages.steps_before > stage_before.steps_through
                then 'skip'
            else 'forward'
        end as entry_kind
    from ways
    inner join stages on ways.stage_key = stages.stage_key
    left join stages as stage_before on ways.previous_stage_key = stage_before.stage_key

)

select * from final
