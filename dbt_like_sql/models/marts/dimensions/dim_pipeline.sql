{{ config(materialized='table', unique_key=['portal', 'entity_type', 'category_id']) }}

with directory as (

    select * from {{ ref('stg_pipelines') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

pipelines_with_stages as (

    select
        user_account_id,
        entity_type,
        category_id,
        min(category_name) as category_name,
        bool_and(is_deleted) as has_only_deleted_stages
    from {{ ref('int_stage') }}
    group by user_account_id, entity_type, category_id

),

known as (

    select
        user_account_id,
        entity_type,
        category_id,
        coalesce(
            nullif(directory.category_name, ''), pipelines_with_stages.category_name, category_id::text
        ) as category_name,
        directory.category_sort,
        coalesce(directory.is_default, false) as is_default,
        case
            when directory.category_id is null then pipelines_with_stages.has_only_deleted_stages
            else directory.deleted_at is not null
        end as is_deleted
    from directory
    full join pipelines_with_stages using (user_account_id, entity_type, category_id)
    where directory.deleted_at is null or pipelines_with_stages.category_id is not null

),

final as (

    select
        portals.portal,
        known.entity_type,
        known.category_id,
        known.category_name,
        known.category_sort,
        known.is_default,
        known.is_deleted
    from known
    inner join portals on known.user_account_id = portals.user_account_id

)

select * from final
