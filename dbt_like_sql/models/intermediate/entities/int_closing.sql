{{ config(materialized='view') }}

with stages as (

    select * from {{ ref('int_stage') }}

),

pipelines as (

    select
        user_account_id,
        entity_type,
        category_id,
        array_agg(stage_key) as open_stages
    from stages
    where not is_success_stage and not is_fail_stage
    group by user_account_id, entity_type, category_id

),

closed as (

    select
        journey.*,
        pipelines.open_stages
    from {{ ref('int_journey') }} as journey
    left join pipelines
        on
            journey.user_account_id = pipelines.user_account_id
            and journey.entity_type = pipelines.entity_type
            and journey.category_id = pipelines.category_id
    where journey.is_counted and journey.outcome is not null

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
                from unnest(closed.stage_keys) with ordinality as visit (stage_key, visit_number)
                where visit.stage_key = any(closed.open_stages)
                order by visit.visit_number desc
                limit 1
            )
        end as last_open_stage_key
    from closed

)

select * from final
