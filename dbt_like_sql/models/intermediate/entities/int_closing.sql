{{ config(materialized='view') }}

with stages as (

    select
        user_account_id,
        entity_type,
        category_id,
        stage_key,
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
        array_agg(stage_key) filter (where outcome is null) as open_stages,
        array_agg(stage_key) filter (where outcome = 'won') as won_stages,
        array_agg(stage_key) filter (where outcome = 'lost') as lost_stages
    from stages
    group by user_account_id, entity_type, category_id

),

journeys as (

    select
        journey.*,
        cardinality(journey.stage_keys) as last_visit,
        pipelines.open_stages,
        pipelines.won_stages,
        pipelines.lost_stages,
        case
            when journey.stage_keys[cardinality(journey.stage_keys)] = any(pipelines.won_stages) then 'won'
            when journey.stage_keys[cardinality(journey.stage_keys)] = any(pipelines.lost_stages) then 'lost'
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
        case outcome when 'won' then won_stages else lost_stages end as closing_stages
    from journeys
    where outcome is not null

),

-- mostly the last visit alone is of its kind; only where it is not are the others looked at
dated as (

    select
        closed.*,
        case
            when stage_keys[last_visit - 1] = any(closing_stages)
                then (
                    select coalesce(max(visit.visit_number), 0) + 1
                    from unnest(closed.stage_keys) with ordinality as visit (stage_key, visit_number)
                    where visit.stage_key != all(closed.closing_stages)
                )
            else last_visit
        end as closing_visit
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
        entered_at[closing_visit] as closed_at,
        opportunity,
        currency_id,
        case
            when stage_keys[closing_visit - 1] = any(open_stages) then stage_keys[closing_visit - 1]
            else (
                select visit.stage_key
                from unnest(dated.stage_keys) with ordinality as visit (stage_key, visit_number)
                where visit.stage_key = any(dated.open_stages)
                order by visit.visit_number desc
                limit 1
            )
        end as last_open_stage_key
    from dated

)

select * from final
