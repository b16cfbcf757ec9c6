{{ config(materialized='view') }}

with stages as (

    select
        user_account_id,
        entity_type,
        category_id,
        '<' || category_id || ' ' || status_id || '>' as step,
        case
            when is_success_stage then 'won'
            when is_fail_stage then 'lost'
        end as outcome
    from {{ ref('int_stage') }}

),

pipelines as (

    select
        user_account_id,
        entity_type,
        category_id,
        array_agg(step order by step) filter (where outcome is null) as open_steps,
        array_agg(step order by step) filter (where outcome = 'won') as won_steps,
        array_agg(step order by step) filter (where outcome = 'lost') as lost_steps
    from stages
    group by user_account_id, entity_type, category_id

),

journeys as (

    select
        journey.*,
        cardinality(journey.steps) as last_step,
        pipelines.open_steps,
        pipelines.won_steps,
        pipelines.lost_steps,
        case
            when journey.steps[cardinality(journey.steps)] = any(pipelines.won_steps) then 'won'
            when journey.steps[cardinality(journey.steps)] = any(pipelines.lost_steps) then 'lost'
        end as outcome
    from {{ ref('int_journey') }} as journey
    inner join pipelines
        on
            journey.user_account_id = pipelines.user_account_id
            and journey.entity_type = pipelines.entity_type
            and journey.category_id = pipelines.category_id
    where journey.is_counted

),

closed as (

    select
        journeys.*,
        case outcome when 'won' then won_steps else lost_steps end as closing_steps
    from journeys
    where outcome is not null

),

-- mostly the last step alone is of its kind; only where it is not are the others looked at
dated as (

    select
        closed.*,
        case
            when steps[last_step - 1] = any(closing_steps)
                then (
                    select coalesce(max(passed.step_number), 0) + 1
                    from unnest(closed.steps) with ordinality as passed (step, step_number)
                    where passed.step != all(closed.closing_steps)
                )
            else last_step
        end as closing_step
    from closed

),

final as (

    select
        user_account_id,
        entity_type,
        entity_id,
        category_id,
        outcome,
        date_create,
        entered_at[closing_step] as closed_at,
        opportunity,
        currency_id,
        case
            when steps[closing_step - 1] = any(open_steps) then steps[closing_step - 1]
            else (
                select passed.step
                from unnest(dated.steps) with ordinality as passed (step, step_number)
                where passed.step = any(dated.open_steps)
                order by passed.step_number desc
                limit 1
            )
        end as last_open_step
    from dated

)

select * from final
