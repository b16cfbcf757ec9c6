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

journeys as (

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

),

final as (

    select
        journeys.user_account_id,
        journeys.entity_type,
        journeys.entity_id,
        journeys.category_id,
        journeys.is_counted,
        journeys.counted_until,
        journeys.date_create,
        coalesce(
            date_trunc('month', journeys.date_create at time zone portals.time_zone)::date, '-infinity'
        ) as cohort_month,
        journeys.utm_campaign,
        journeys.utm_content,
        journeys.opportunity,
        -- XXX is ISO 4217's code for no currency
        coalesce(journeys.currency_id, 'XXX') as currency_id,
        journeys.has_qualified_stage,
        journeys.has_qualified_stage or qualified_by_field.entity_id is not null as is_qualified,
        journeys.stage_keys,
        journeys.entered_at,
        journeys.pipeline_keys,
        journeys.furthest_sorts,
        case journeys.closing_keys[cardinality(journeys.stage_keys)]
            when journeys.pipeline_keys[cardinality(journeys.stage_keys)] then 'won'
            when ~journeys.pipeline_keys[cardinality(journeys.stage_keys)] then 'lost'
        end as outcome,
        -- mostly the last visit alone is of its kind; only where it is not are the others looked at
        case
            when journeys.closing_keys[cardinality(journeys.stage_keys)] is null then null
            when
                journeys.closing_keys[cardinality(journeys.stage_keys)]
                = journeys.closing_keys[cardinality(journeys.stage_keys) - 1]
                then (
                    select coalesce(max(visit.visit_number), 0)::integer + 1
                    from unnest(journeys.closing_keys) with ordinality as visit (closing_key, visit_number)
                    where
                        visit.closing_key
                        is distinct from journeys.closing_keys[cardinality(journeys.stage_keys)]
                )
            else cardinality(journeys.stage_keys)
        end as closing_visit,
        case
            when cardinality(array_remove(trim_array(journeys.closing_keys, 1), null)) = 0 then 0
            else (
                select count(*)::integer
                from unnest(journeys.closing_keys) with ordinality as visit (closing_key, visit_number)
                where
                    visit.closing_key is null
                    and journeys.closing_keys[visit.visit_number - 1] is not null
                    and journeys.pipeline_keys[visit.visit_number - 1] = journeys.pipeline_keys[visit.visit_number]
            )
        end as reopened_count,
        -- of those that count alone: the visits by which all steps before the stage had been gone in their order
        case
            when journeys.is_counted
                then array(
                    select visit.number::integer
                    from unnest(journeys.strict_patterns) with ordinality as visit (pattern, number)
                    where
                        '<' || array_to_string(journeys.stage_keys[1:visit.number], '><') || '>' like visit.pattern
                )
        end as strict_visits,
        -- how many visits had begun; days of 24 hours, whatever clocks do in between
        width_bucket(date_create + interval '168 hours', entered_at) as visits_by_day_7,
        width_bucket(date_create + interval '336 hours', entered_at) as visits_by_day_14,
        width_bucket(date_create + interval '720 hours', entered_at) as visits_by_day_30,
        width_bucket(date_create + interval '1440 hours', entered_at) as visits_by_day_60,
        width_bucket(date_create + interval '2160 hours', entered_at) as visits_by_day_90
    from journeys
    inner join {{ ref('stg_portals') }} as portals on journeys.user_account_id = portals.user_account_id
    left join {{ ref('stg_qualification') }} as qualified_by_field
        on
            journeys.user_account_id = qualified_by_field.user_account_id
            and journeys.entity_type = qualified_by_field.entity_type
            and journeys.entity_id = qualified_by_field.entity_id
            and qualified_by_field.is_qualified

)

select * from final
