{{ config(materialized='table', unique_key='row_key') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

qualified as (

    select
        user_account_id,
        entity_type,
        entity_id
    from {{ ref('int_path') }}
    where
        is_counted
        and stage_keys
        && (
            select array_agg(stages.stage_key)
            from stages
            where stages.is_qualified_stage
        )

    union

    select
        user_account_id,
        entity_type,
        entity_id
    from {{ ref('stg_qualification') }}
    where is_qualified

),

counted as (

    select
        entity.stage_key,
        entity.utm_campaign,
        entity.utm_content,
        count(*) as entities,
        count(qualified.entity_id) as qualified
    from {{ ref('int_entity') }} as entity
    left join qualified
        on
            entity.user_account_id = qualified.user_account_id
            and entity.entity_type = qualified.entity_type
            and entity.entity_id = qualified.entity_id
    where entity.is_counted and entity.status_id is not null
    group by entity.stage_key, entity.utm_campaign, entity.utm_content

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
