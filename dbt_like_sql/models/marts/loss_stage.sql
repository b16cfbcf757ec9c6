{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

pipelines as (

    select * from {{ ref('dim_pipeline') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

-- money in different currencies is never added up
amounts as (

    select
        user_account_id,
        entity_type,
        category_id,
        last_open_stage_key,
        currency_id,
        count(*) as entities,
        sum(opportunity) as amount
    from {{ ref('int_closing') }}
    where outcome = 'lost'
    group by user_account_id, entity_type, category_id, last_open_stage_key, currency_id

),

losses as (

    select
        user_account_id,
        entity_type,
        category_id,
        last_open_stage_key,
        sum(entities)::bigint as lost,
        count(*) filter (where amount is not null) as currencies,
        max(currency_id) filter (where amount is not null) as currency_id,
        sum(amount) as amount,
        jsonb_object_agg(currency_id, amount) filter (where amount is not null) as amounts_by_currency
    from amounts
    group by user_account_id, entity_type, category_id, last_open_stage_key

),

final as (

    select
        portals.portal,
        losses.entity_type,
        losses.category_id,
        pipelines.category_name,
        stages.status_id,
        stages.status_name,
        stages.status_sort,
        losses.lost,
        round(
            losses.lost / sum(losses.lost) over (
                partition by losses.user_account_id, losses.entity_type, losses.category_id
            ), 6
        ) as share,
        case
            when losses.currencies > 1 then null
            else coalesce(losses.amount, 0)
        end as amount_lost,
        case when losses.currencies = 1 then nullif(losses.currency_id, 'XXX') end as currency_id,
        coalesce(losses.amounts_by_currency, '{}') as amounts_by_currency
    from losses
    inner join portals on losses.user_account_id = portals.user_account_id
    inner join pipelines
        on
            portals.portal = pipelines.portal
            and losses.entity_type = pipelines.entity_type
            and losses.category_id = pipelines.category_id
    left join stages on losses.last_open_stage_key = stages.stage_key

)

select * from final
