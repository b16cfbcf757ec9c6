{{ config(materialized='view') }}

-- money in different currencies is never added up
with revenues as (

    select
        counted.user_account_id,
        counted.entity_type,
        counted.creative_id,
        counted.direction_id,
        counted.currency_id,
        -- as many decimals as the amounts have, and two at least
        round(sum(counted.amount), greatest(min_scale(sum(counted.amount)), 2)) as revenue
    from {{ ref('int_creative_entity') }} as counted
    inner join {{ ref('int_stage') }} as stages on counted.stage_key = stages.stage_key
    where stages.is_success_stage and counted.entities_with_amount > 0
    group by
        counted.user_account_id, counted.entity_type, counted.creative_id, counted.direction_id,
        counted.currency_id

),

final as (

    select
        user_account_id,
        entity_type,
        creative_id,
        direction_id,
        count(*) as currencies,
        max(currency_id) as currency_id,
        sum(revenue) as revenue,
        jsonb_object_agg(currency_id, revenue) as revenue_by_currency
    from revenues
    group by user_account_id, entity_type, creative_id, direction_id

)

select * from final
