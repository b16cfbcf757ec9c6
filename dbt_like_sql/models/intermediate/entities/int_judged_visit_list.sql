{{ config(materialized='view') }}

with journeys as (

    select * from {{ ref('int_whole_visit_list') }}

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
        journeys.source_id,
        journeys.assigned_by_id,
        journeys.opportunity,
        -- XXX is ISO 4217's code for no currency
        coalesce(journeys.currency_id, 'XXX') as currency_id,
        journeys.has_qualified_stage,
        journeys.has_qualified_stage or qualified_by_field.entity_id is not null as is_qualified,
        -- the same for all that went the same way, so that they can be counted together
        hash_array_extended(journeys.stage_keys, 0) as journey_key,
        journeys.stage_keys,
        journeys.entered_at,
        journeys.pipeline_keys,
        journeys.furthest_sorts,
        journeys.closing_keys,
        portals.time_zone,
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
