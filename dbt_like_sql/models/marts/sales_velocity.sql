{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

pipelines as (

    select * from {{ ref('dim_pipeline') }}

),

summed as (

    select
        portals.portal,
        closing_month.*
    from {{ ref('int_closing_month') }} as closing_month
    inner join portals on closing_month.user_account_id = portals.user_account_id

),

final as (

    select
        summed.portal,
        summed.entity_type,
        summed.category_id,
        pipelines.category_name,
        summed.currency_id,
        summed.closed_month,
        summed.opportunities,
        summed.won,
        summed.lost,
        round(summed.won::numeric / summed.opportunities, 6) as win_rate,
        summed.won_amount,
        summed.lost_amount,
        round(summed.won_amount / nullif(summed.won_amount + summed.lost_amount, 0), 6) as win_rate_by_amount,
        round(summed.average_won_amount, 2) as average_won_amount,
        round(summed.median_cycle_days::numeric, 4) as median_cycle_days,
        round(summed.mean_cycle_days, 4) as mean_cycle_days,
        -- opportunities x win rate are the won ones
        case
            when summed.mean_cycle_days > 0
                then round(summed.won * summed.average_won_amount / summed.mean_cycle_days, 2)
        end as velocity_per_day
    from summed
    inner join pipelines
        on
            summed.portal = pipelines.portal
            and summed.entity_type = pipelines.entity_type
            and summed.category_id = pipelines.category_id

)

select * from final
