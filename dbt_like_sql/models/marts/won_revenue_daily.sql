{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

success_stages as (

    select
        user_account_id,
        category_id,
        stage_key
    from {{ ref('int_stage') }}
    where entity_type = 'deal' and is_success_stage

),

success_stages_of_portals as (

    select
        user_account_id,
        array_agg(stage_key) as stage_keys
    from success_stages
    group by user_account_id

),

ever_won as (

    select
        journey.user_account_id,
        journey.stage_keys,
        journey.entered_at,
        nullif(journey.counted_until, 'infinity') as gone_at,
        journey.opportunity,
        journey.currency_id,
        case
            when journey.is_counted then cardinality(journey.stage_keys)
            else (
                select count(*)
                from unnest(journey.entered_at) as visit (entered_at)
                where visit.entered_at < journey.counted_until
            )
        end as visits
    from {{ ref('int_journey') }} as journey
    inner join success_stages_of_portals
        on
            journey.user_account_id = success_stages_of_portals.user_account_id
            and journey.stage_keys && success_stages_of_portals.stage_keys
    where
        journey.entity_type = 'deal'
        -- templates of recurring deals have never counted
        and journey.counted_until > '-infinity'

),

-- each visit with the one before it, and the deletion as a move to nowhere
moves as (

    select
        ever_won.user_account_id,
        ever_won.opportunity,
        ever_won.currency_id,
        ever_won.stage_keys[visit.visit_number - 1] as stage_key_before,
        case when visit.visit_number <= ever_won.visits then ever_won.stage_keys[visit.visit_number] end as stage_key,
        case
            when visit.visit_number <= ever_won.visits then ever_won.entered_at[visit.visit_number]
            else ever_won.gone_at
        end as moved_at
    from ever_won
    cross join lateral generate_series(1, ever_won.visits + 1) as visit (visit_number)
    where visit.visit_number <= ever_won.visits or ever_won.gone_at is not null

),

entries as (

    select
        moves.user_account_id,
        entry.category_id,
        moves.currency_id,
        moves.moved_at,
        entry.is_booked,
        moves.opportunity
    from moves
    left join success_stages as stage on moves.stage_key = stage.stage_key
    left join success_stages as stage_before on moves.stage_key_before = stage_before.stage_key
    cross join lateral (
        values (stage.category_id, true), (stage_before.category_id, false)
    ) as entry (category_id, is_booked)
    where
        -- from one success stage of a pipeline to another nothing is won or lost
        stage.category_id is distinct from stage_before.category_id
        and entry.category_id is not null

),

final as (

    select
        portals.portal,
        'deal' as entity_type,
        entries.category_id,
        entries.currency_id,
        (entries.moved_at at time zone portals.time_zone)::date as day,
        count(*) filter (where entries.is_booked) as booked_deals,
        coalesce(sum(entries.opportunity) filter (where entries.is_booked), 0) as booked_amount,
        count(*) filter (where not entries.is_booked) as reversed_deals,
        coalesce(sum(entries.opportunity) filter (where not entries.is_booked), 0) as reversed_amount,
        coalesce(sum(entries.opportunity) filter (where entries.is_booked), 0)
        - coalesce(sum(entries.opportunity) filter (where not entries.is_booked), 0) as net_amount
    from entries
    inner join portals on entries.user_account_id = portals.user_account_id
    group by portals.portal, entries.category_id, entries.currency_id, day

)

select * from final
