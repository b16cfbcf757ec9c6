{{ config(materialized='table', unique_key='row_key') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

qualified_by_field as (

    select
        user_account_id,
        entity_type,
        entity_id
    from {{ ref('stg_qualification') }}
    where is_qualified

),

-- who stands in a stage has it last in its journey
counted as (

    select
        journey.stage_keys[cardinality(journey.stage_keys)] as stage_key,
        journey.utm_campaign,
        journey.utm_content,
        count(*) as entities,
        count(*) filter (
            where
            qualified_by_field.entity_id is not null
            or journey.stage_keys && (select array_agg(stage_key) from stages where is_qualified_stage)
        ) as qualified
    from {{ ref('int_journey') }} as journey
    left join qualified_by_field
        on
            journey.user_account_id = qualified_by_field.user_account_id
            and journey.entity_type = qualified_by_field.entity_type
            and journey.entity_id = qualified_by_field.entity_id
    where journey.is_counted
    group by stage_key, journey.utm_campaign, journey.utm_content

),

totalled as (

    select
        stages.*,
        counted.utm_campaign,
        counted.utm_content,
        counted.entities,
        counted.qualified,
        sum(counted.entities) over (
            partition by stages.user_account_id, stages.entity_type, counted.utm_campaign, counted.utm_content
        )::bigint as total
    from counted
    inner join stages on counted.stage_key = stages.stage_key

),

final as (

    select
        portals.portal,
        totalled.entity_type,
        totalled.utm_campaign,
        totalled.utm_content,
        totalled.category_id,
        totalled.category_name,
        totalled.status_id,
        totalled.status_name,
        totalled.status_sort,
        totalled.semantics,
        totalled.is_deleted,
        totalled.total,
        totalled.entities as count,
        round(100.0 * totalled.entities / totalled.total, 2) as percentage,
        totalled.qualified,
        md5(
            jsonb_build_array(
                totalled.user_account_id, totalled.entity_type, totalled.utm_campaign,
                totalled.utm_content, totalled.category_id, totalled.status_id
            )::text
        )::uuid as row_key
    from totalled
    inner join portals on totalled.user_account_id = portals.user_account_id

)

select * from final
