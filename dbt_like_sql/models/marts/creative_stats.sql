{{ config(unique_key='row_key', meta={'within': 'int_touched_portal'}) }}

with portals as (

    select * from {{ ref('stg_portals') }}
    {% if var("by_change") %}
        where user_account_id in (select touched.user_account_id from {{ ref('int_touched_portal') }} as touched)
    {% endif %}

),

creatives as (

    select * from {{ ref('stg_creatives') }}

),

directions as (

    select * from {{ ref('stg_directions') }}

),

counts as (

    select
        user_account_id,
        entity_type,
        creative_id,
        direction_id,
        leads,
        matched,
        qualified,
        0 as entities,
        0 as won,
        0 as lost
    from {{ ref('int_creative_stage') }}

    union all

    select
        counted.user_account_id,
        counted.entity_type,
        counted.creative_id,
        counted.direction_id,
        0 as leads,
        0 as matched,
        0 as qualified,
        counted.entities,
        case when stages.is_success_stage then counted.entities else 0 end as won,
        case when stages.is_fail_stage then counted.entities else 0 end as lost
    from {{ ref('int_creative_entity') }} as counted
    left join {{ ref('int_stage') }} as stages on counted.stage_key = stages.stage_key

    union all

    -- in its own direction a creative is shown even while it has brought nothing
    select
        creatives.user_account_id,
        entity_types.entity_type,
        creatives.creative_id,
        creatives.direction_id,
        0 as leads,
        0 as matched,
        0 as qualified,
        0 as entities,
        0 as won,
        0 as lost
    from creatives
    cross join (values ('lead'), ('deal')) as entity_types (entity_type)

),

revenue_of_each as (

    select * from {{ ref('int_creative_revenue') }}

),

summed as (

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
        sum(lost)::bigint as lost
    from counts
    group by user_account_id, entity_type, creative_id, direction_id

),

counted as (

    select
        summed.*,
        revenue_of_each.currencies,
        revenue_of_each.currency_id,
        revenue_of_each.revenue,
        revenue_of_each.revenue_by_currency
    from summed
    left join revenue_of_each
        on
            summed.user_account_id = revenue_of_each.user_account_id
            and summed.entity_type = revenue_of_each.entity_type
            and summed.creative_id is not distinct from revenue_of_each.creative_id
            and summed.direction_id is not distinct from revenue_of_each.direction_id

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
