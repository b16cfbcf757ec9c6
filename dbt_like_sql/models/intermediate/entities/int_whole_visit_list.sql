{{ config(materialized='view') }}

with visited as (

    select * from {{ ref('int_visit_list') }}

),

-- a move may be read before its entity: then the present stage follows the last visit at once
present as (

    select
        visited.*,
        entity.category_id,
        entity.is_counted,
        entity.counted_until,
        entity.date_create,
        entity.utm_campaign,
        entity.utm_content,
        entity.source_id,
        entity.assigned_by_id,
        entity.opportunity,
        entity.currency_id,
        case
            when
                entity.status_id is not null
                and entity.stage_key != visited.stage_keys[cardinality(visited.stage_keys)]
                then entity.stage_key
        end as present_stage_key
    from visited
    inner join {{ ref('int_entity') }} as entity
        on
            visited.user_account_id = entity.user_account_id
            and visited.entity_type = entity.entity_type
            and visited.entity_id = entity.entity_id

),

final as (

    select
        present.user_account_id,
        present.entity_type,
        present.entity_id,
        present.category_id,
        present.is_counted,
        present.counted_until,
        present.date_create,
        present.utm_campaign,
        present.utm_content,
        present.source_id,
        present.assigned_by_id,
        present.opportunity,
        present.currency_id,
        present.has_qualified_stage or coalesce(rules.is_qualified, false) as has_qualified_stage,
        case
            when present_stage_key is null then stage_keys
            else stage_keys || present_stage_key
        end as stage_keys,
        case
            when present_stage_key is null then entered_at
            else entered_at || entered_at[cardinality(entered_at)]
        end as entered_at,
        case
            when present_stage_key is null then pipeline_keys
            else pipeline_keys || rules.pipeline_key
        end as pipeline_keys,
        case
            when present_stage_key is null then furthest_sorts
            else furthest_sorts || rules.furthest_sort
        end as furthest_sorts,
        case
            when present_stage_key is null then closing_keys
            else closing_keys || rules.closing_key
        end as closing_keys,
        case
            when present_stage_key is null then strict_patterns
            else strict_patterns || rules.strict_pattern
        end as strict_patterns
    from present
    left join {{ ref('int_stage_rule') }} as rules on present.present_stage_key = rules.stage_key

)

select * from final
