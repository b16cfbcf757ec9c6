{{ config(
    unique_key=['portal', 'entity_type', 'category_id', 'status_id'],
    meta={'within': 'int_touched_portal'}
) }}

with stages as (

    select * from {{ ref('int_stage') }}
    {% if var("by_change") %}
        where user_account_id in (select touched.user_account_id from {{ ref('int_touched_portal') }} as touched)
    {% endif %}

),

reach as (

    select * from {{ ref('int_stage_reach') }}

),

durations as (

    select * from {{ ref('int_stage_duration') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

-- money in different currencies is never added up
amounts as (

    select
        stock.stage_key,
        stock.currency_id,
        sum(stock.entities) as entities,
        case
            when sum(stock.entities_with_amount) > 0
                -- as many decimals as the amounts have, and two at least
                then round(sum(stock.amount), greatest(min_scale(sum(stock.amount)), 2))
        end as amount
    from {{ ref('int_stock') }} as stock
    group by stock.stage_key, stock.currency_id

),

in_stage as (

    select
        stage_key,
        sum(entities)::bigint as in_stage,
        count(*) filter (where amount is not null) as currencies,
        max(currency_id) filter (where amount is not null) as currency_id,
        sum(amount) as amount,
        jsonb_object_agg(currency_id, amount) filter (where amount is not null) as amounts_by_currency
    from amounts
    group by stage_key

),

figures as (

    select
        stages.*,
        in_stage.currencies,
        in_stage.currency_id,
        in_stage.amount,
        durations.median_seconds,
        durations.mean_seconds,
        coalesce(in_stage.in_stage, 0) as in_stage,
        coalesce(in_stage.amounts_by_currency, '{}') as amounts_by_currency,
        reach.entered,
        reach.reached,
        reach.reached_implied,
        reach.reached_strict,
        reach.qualified
    from stages
    inner join reach on stages.stage_key = reach.stage_key
    left join in_stage on stages.stage_key = in_stage.stage_key
    left join durations on stages.stage_key = durations.stage_key

),

final as (

    select
        portals.portal,
        figures.entity_type,
        figures.category_id,
        figures.category_name,
        figures.status_id,
        figures.status_name,
        figures.status_sort,
        figures.semantics,
        figures.is_deleted,
        figures.in_stage,
        case
            when figures.currencies > 1 then null
            else coalesce(figures.amount, 0)
        end as amount_in_stage,
        case when figures.currencies = 1 then nullif(figures.currency_id, 'XXX') end as currency_id,
        figures.amounts_by_currency,
        figures.entered,
        figures.reached,
        figures.reached_implied,
        figures.reached_strict,
        figures.qualified,
        round(figures.reached::numeric / nullif(figures.entered, 0), 6) as conversion_from_start,
        round(figures.reached::numeric / nullif(step_before.reached, 0), 6) as conversion_from_previous,
        figures.median_seconds,
        figures.mean_seconds
    from figures
    inner join portals on figures.user_account_id = portals.user_account_id
    left join lateral (
        select earlier.reached
        from figures as earlier
        where
            earlier.pipeline_key = figures.pipeline_key
            and earlier.semantics = 'process'
            and not earlier.is_deleted
            and earlier.status_sort < figures.status_sort
        order by earlier.status_sort desc, earlier.status_id desc
        limit 1
    ) as step_before on true

)

select * from final
