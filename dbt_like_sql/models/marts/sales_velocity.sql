{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

pipelines as (

    select * from {{ ref('dim_pipeline') }}

),

closings as (

    select
        portals.portal,
        closing.entity_type,
        closing.category_id,
        closing.currency_id,
        date_trunc('month', closing.closed_at at time zone portals.time_zone)::date as closed_month,
        closing.outcome,
        closing.opportunity,
        extract(epoch from closing.closed_at - closing.date_create) / 86400 as cycle_days
    from {{ ref('int_closing') }} as closing
    inner join portals on closing.user_account_id = portals.user_account_id

),

summed as (

    select
        portal,
        entity_type,
        category_id,
        currency_id,
        closed_month,
        count(*) as opportunities,
        count(*) filter (where outcome = 'won') as won,
        count(*) filter (where outcome = 'lost') as lost,
        coalesce(sum(opportunity) filter (where outcome = 'won'), 0) as won_amount,
        coalesce(sum(opportunity) filter (where outcome = 'lost'), 0) as lost_amount,
        avg(opportunity) filter (where outcome = 'won') as average_won_amount,
        percentile_cont(0.5) within group (order by cycle_days::double precision)
            filter (where outcome = 'won') as median_cycle_days,
        avg(cycle_days) filter (where outcome = 'won') as mean_cycle_days
    from closings
    group by portal, entity_type, category_id, currency_id, closed_month

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
