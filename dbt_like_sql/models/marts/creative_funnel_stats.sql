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

stages as (

    select * from {{ ref('int_stage') }}

),

-- in its own direction a creative is shown even while it has brought nothing
groups as (

    select
        user_account_id,
        creative_id,
        direction_id
    from {{ ref('int_creative_stage') }}

    union

    select
        user_account_id,
        creative_id,
        direction_id
    from creatives

),

standing as (

    select
        stage_key,
        creative_id,
        direction_id,
        sum(matched) as own_leads,
        sum(qualified) as qualified
    from {{ ref('int_creative_stage') }}
    where stage_key is not null
    group by stage_key, creative_id, direction_id

),

every_stage as (

    select
        stages.stage_key,
        groups.creative_id,
        groups.direction_id,
        0 as own_leads,
        0 as qualified
    from groups
    inner join stages on groups.user_account_id = stages.user_account_id
    where not stages.is_deleted

    union all

    select * from standing

),

counted as (

    select
        stage_key,
        creative_id,
        direction_id,
        sum(own_leads)::bigint as own_leads,
        sum(qualified)::bigint as qualified
    from every_stage
    group by stage_key, creative_id, direction_id

),

totalled as (

    select
        stages.*,
        counted.creative_id,
        counted.direction_id,
        counted.own_leads,
        counted.qualified,
        sum(counted.own_leads) over (
            partition by stages.user_account_id, stages.entity_type, counted.creative_id, counted.direction_id
        )::bigint as total
    from counted
    inner join stages on counted.stage_key = stages.stage_key

),

final as (

    select
        portals.portal,
        totalled.entity_type,
        totalled.creative_id,
        creatives.creative_name,
        totalled.direction_id,
        directions.direction_name,
        totalled.category_id,
        totalled.category_name,
        totalled.status_id,
        totalled.status_name,
        totalled.status_sort,
        totalled.semantics,
        totalled.is_deleted,
        totalled.total,
        totalled.own_leads as count,
        coalesce(round(100.0 * totalled.own_leads / nullif(totalled.total, 0), 2), 0.00) as percentage,
        totalled.qualified,
        md5(
            jsonb_build_array(
                totalled.user_account_id, totalled.entity_type, totalled.creative_id,
                totalled.direction_id, totalled.category_id, totalled.status_id
            )::text
        )::uuid as row_key
    from totalled
    inner join portals on totalled.user_account_id = portals.user_account_id
    left join creatives on totalled.creative_id = creatives.creative_id
    left join directions on totalled.direction_id = directions.direction_id

)

select * from final
