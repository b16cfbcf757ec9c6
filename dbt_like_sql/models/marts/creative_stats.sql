{{ config(materialized='table', unique_key='row_key') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

creatives as (

    select * from {{ ref('stg_creatives') }}

),

directions as (

    select * from {{ ref('stg_directions') }}

),

by_currency as (

    select
        user_account_id,
        entity_type,
        creative_id,
        direction_id,
        won_currency,
        sum(leads)::bigint as leads,
        sum(matched)::bigint as matched,
        sum(qualified)::bigint as qualified,
        sum(entities)::bigint as entities,
        sum(won)::bigint as won,
        sum(lost)::bigint as lost,
        sum(revenue) as revenue
    from {{ ref('int_creative_stage') }}
    group by user_account_id, entity_type, creative_id, direction_id, won_currency

    union all

    -- in its own direction a creative is shown even while it has brought nothing
    select
        creatives.user_account_id,
        entity_types.entity_type,
        creatives.creative_id,
        creatives.direction_id,
        null as won_currency,
        0 as leads,
        0 as matched,
        0 as qualified,
        0 as entities,
        0 as won,
        0 as lost,
        null as revenue
    from creatives
    cross join (values ('lead'), ('deal')) as entity_types (entity_type)

),

-- money in different currencies is never added up
counted as (

    select
        user_account_id,
        entity_type,
        creative_id,
        direction_id,
        sum(leads)::bigint as leads,
        sum(matched)::bigint as matched,
        sum(qualified)::bigint as qualified,
        sum(entities)::bigint as entities,
        sum(won)::bigint as won,
        sum(lost)::bigint as lost,
        count(won_currency) as currencies,
        max(won_currency) as currency_id,
        sum(revenue) as revenue,
        jsonb_object_agg(won_currency, revenue) filter (where won_currency is not null) as revenue_by_currency
    from by_currency
    group by user_account_id, entity_type, creative_id, direction_id

),

final as (

    select
        portals.portal,
        counted.entity_type,
        counted.creative_id,
        creatives.creative_name,
        counted.direction_id,
        directions.direction_name,
        counted.leads,
        counted.matched,
        counted.qualified,
        counted.entities,
        counted.won,
        counted.lost,
        case
            when counted.currencies > 1 then null
            else coalesce(counted.revenue, 0)
        end as revenue,
        case when counted.currencies = 1 then nullif(counted.currency_id, 'XXX') end as currency_id,
        coalesce(counted.revenue_by_currency, '{}') as revenue_by_currency,
        md5(
            jsonb_build_array(
                counted.user_account_id, counted.entity_type,
                counted.creative_id, counted.direction_id
            )::text
        )::uuid as row_key
    from counted
    inner join portals on counted.user_account_id = portals.user_account_id
    left join creatives on counted.creative_id = creatives.creative_id
    left join directions on counted.direction_id = directions.direction_id

)

select * from final
