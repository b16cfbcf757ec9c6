{{ config(materialized='view') }}

-- a visit's first moment is the last one of the visit before it: each row is counted at both ends
with ends as (

    select
        stage_key,
        day,
        case when is_end then 'deleted' end as left_by,
        not is_end and previous_stage_key = 0 as is_first_visit,
        entities
    from {{ ref('int_flow') }}

    union all

    select
        flows.previous_stage_key as stage_key,
        flows.day,
        kinds.entry_kind as left_by,
        false as is_first_visit,
        flows.entities
    from {{ ref('int_flow') }} as flows
    inner join {{ ref('int_entry_kind') }} as kinds
        on
            flows.stage_key = kinds.stage_key
            and flows.previous_stage_key = kinds.previous_stage_key
    where flows.previous_stage_key != 0

),

final as (

    select
        stage_key,
        day,
        sum(entities) filter (where left_by is null) as entered,
        sum(entities) filter (where left_by in ('forward', 'skip')) as left_forward,
        sum(entities) filter (where left_by = 'back') as left_back,
        sum(entities) filter (where left_by = 'won') as won,
        sum(entities) filter (where left_by = 'lost') as lost,
        sum(entities) filter (where left_by = 'reopen') as reopened,
        sum(entities) filter (where left_by = 'pipeline_change') as moved_to_other_pipeline,
        sum(entities) filter (where left_by = 'deleted') as deleted,
        sum(entities) filter (where left_by is not null) as left_total,
        sum(entities) filter (where is_first_visit) as created
    from ends
    group by stage_key, day

)

select * from final
