{{ config(materialized='view') }}

with computed as (

    select * from {{ ref('int_judged_visit_list') }}

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
        case
            when computed.is_counted and computed.outcome is not null
                then computed.entered_at[computed.closing_visit] - computed.date_create
        end as closed_after,
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
