{{ config(materialized='view') }}

with visits as (

    select
        visit.user_account_id,
        visit.entity_type,
        visit.entity_id,
        visit.stage_key,
        visit.entered_at,
        rules.pipeline_key,
        rules.furthest_sort,
        rules.closing_key,
        rules.is_qualified,
        rules.strict_pattern
    from {{ ref('int_stage_interval') }} as visit
    left join {{ ref('int_stage_rule') }} as rules on visit.stage_key = rules.stage_key
    order by visit.user_account_id, visit.entity_type, visit.entity_id, visit.visit_number

),

-- the rows come in order, and so do the values of each list
final as (

    select
        user_account_id,
        entity_type,
        entity_id,
        array_agg(stage_key) as stage_keys,
        array_agg(entered_at) as entered_at,
        array_agg(pipeline_key) as pipeline_keys,
        array_agg(furthest_sort) as furthest_sorts,
        array_agg(closing_key) as closing_keys,
        array_agg(strict_pattern) as strict_patterns,
        coalesce(bool_or(is_qualified), false) as has_qualified_stage
    from visits
    group by user_account_id, entity_type, entity_id

)

select * from final
