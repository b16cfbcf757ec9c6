{{ config(materialized='view') }}

with journeys as (

    select * from {{ ref('int_whole_visit_list') }}

),

computed as (

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

),

final as (

    select
        computed.user_account_id,
        computed.entity_type,
        computed.entity_id,
        computed.category_id,
        computed.is_counted,
        computed.counted_until,
        computed.date_create,
        computed.cohort_month,
        computed.utm_campaign,
        computed.utm_content,
        computed.source_id,
        computed.assigned_by_id,
        computed.opportunity,
        computed.currency_id,
        computed.has_qualified_stage,
        computed.is_qualified,
        computed.journey_key,
        computed.stage_keys,
        computed.entered_at,
        computed.pipeline_keys,
        computed.furthest_sorts,
        computed.outcome,
        computed.closing_visit,
        computed.reopened_count,
        computed.strict_visits,
        computed.visits_by_day_7,
        computed.visits_by_day_14,
        computed.visits_by_day_30,
        computed.visits_by_day_60,
        computed.visits_by_day_90,
        case
            when computed.is_counted and computed.outcome is null
                then computed.stage_keys[cardinality(computed.stage_keys)]
        end as open_stage_key,
        case
            when computed.is_counted and computed.outcome is null
                then computed.entered_at[cardinality(computed.stage_keys)]
        end as open_stage_since,
        case
            when computed.is_counted and computed.outcome is not null
                then (computed.entered_at[computed.closing_visit] at time zone computed.time_zone)::date
        end as closed_on,
        bookings.booked_keys,
        bookings.booked_on
    from computed
    -- each visit with the one before it, and the deletion as a move to nowhere
    cross join lateral (
        select
            array_agg(booking.booked_key order by move.number, booking.booked_key) as booked_keys,
            array_agg(
                (move.moved_at at time zone computed.time_zone)::date order by move.number, booking.booked_key
            ) as booked_on
        from (
            select
                visit.number,
                case
                    when computed.entered_at[visit.number] < computed.counted_until
                        then computed.entered_at[visit.number]
                    else computed.counted_until
                end as moved_at,
                case
                    when
                        computed.entered_at[visit.number] < computed.counted_until
                        and computed.closing_keys[visit.number] = computed.pipeline_keys[visit.number]
                        then computed.pipeline_keys[visit.number]
                end as won_key,
                case
                    when computed.closing_keys[visit.number - 1] = computed.pipeline_keys[visit.number - 1]
                        then computed.pipeline_keys[visit.number - 1]
                end as won_key_before
            from generate_series(1, cardinality(computed.stage_keys) + 1) as visit (number)
            where
                (visit.number = 1 or computed.entered_at[visit.number - 1] < computed.counted_until)
                and (
                    computed.entered_at[visit.number] < computed.counted_until
                    or computed.counted_until < 'infinity'
                )
        ) as move
        cross join lateral (values (move.won_key), (~move.won_key_before)) as booking (booked_key)
        where
            -- most were never won, and their visits need not be looked at
            computed.entity_type = 'deal'
            and computed.closing_keys && computed.pipeline_keys
            -- from one success stage of a pipeline to another nothing is won or lost
            and move.won_key is distinct from move.won_key_before
            and booking.booked_key is not null
    ) as bookings

)

select * from final
