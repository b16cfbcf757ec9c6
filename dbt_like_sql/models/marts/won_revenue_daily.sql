{{
    config(
        materialized='table',
        unique_key=['portal', 'entity_type', 'category_id', 'currency_id', 'day']
    )
}}

with portals as (

    select * from {{ ref('stg_portals') }}

),

known_success_stages as (

    select
        user_account_id,
        category_id,
        status_id
    from {{ ref('int_stage') }}
    where entity_type = 'deal' and is_success_stage

    union

    -- a deal that is gone may have been won in a stage that is gone too
    select
        user_account_id,
        category_id,
        status_id
    from {{ ref('stg_stages') }}
    where entity_type = 'deal' and is_success_stage

),

success_stages as (

    select
        user_account_id,
        category_id,
        '<' || category_id || ' ' || status_id || '>' as step
    from known_success_stages

),

success_steps as (

    select
        user_account_id,
        array_agg(step) as steps
    from success_stages
    group by user_account_id

),

ever_won as (

    select
        journey.user_account_id,
        journey.steps,
        journey.entered_at,
        journey.gone_at,
        journey.opportunity,
        journey.currency_id
    from {{ ref('int_journey') }} as journey
    inner join success_steps
        on
            journey.user_account_id = success_steps.user_account_id
            and journey.steps && success_steps.steps
    where journey.entity_type = 'deal' and (journey.is_counted or journey.gone_at is not null)

),

-- each step with the one before it, and the end of the whole as a step to nowhere
moves as (

    select
        ever_won.user_account_id,
        ever_won.opportunity,
        ever_won.currency_id,
        ever_won.steps[places.place - 1] as step_before,
        ever_won.steps[places.place] as step,
        coalesce(ever_won.entered_at[places.place], ever_won.gone_at) as moved_at
    from ever_won
    cross join lateral generate_series(1, cardinality(ever_won.steps) + 1) as places (place)
    where places.place <= cardinality(ever_won.steps) or ever_won.gone_at is not null

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
    left join success_stages as stage
        on
            moves.user_account_id = stage.user_account_id
            and moves.step = stage.step
    left join success_stages as stage_before
        on
            moves.user_account_id = stage_before.user_account_id
            and moves.step_before = stage_before.step
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
