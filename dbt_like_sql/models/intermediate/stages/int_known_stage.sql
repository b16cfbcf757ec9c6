{{ config(materialized='view') }}

with directory as (

    select
        stage.*,
        hashtextextended(
            concat_ws(':', user_account_id, entity_type, category_id, status_id), 0
        ) as stage_key
    from {{ ref('stg_stages') }} as stage

),

-- of a stage that only visits know, nothing says what it means
uses as (

    select
        stage_key,
        semantics
    from {{ ref('int_stock') }}

    union all

    select
        stage_key,
        null as semantics
    from {{ ref('int_way') }}

),

in_use as (

    select
        stage_key,
        max(semantics) as semantics
    from uses
    group by stage_key

),

-- stages that the directory never had: one visit or one entity is enough to name each
unlisted as (

    select
        in_use.stage_key,
        seen.user_account_id,
        seen.entity_type,
        seen.category_id,
        seen.status_id
    from in_use
    left join directory on in_use.stage_key = directory.stage_key
    cross join lateral (
        (
            select
                user_account_id,
                entity_type,
                category_id,
                status_id
            from {{ ref('int_stage_interval') }} as visit
            where visit.stage_key = in_use.stage_key
            limit 1  -- noqa: AM09
        )
        union
        (
            select
                user_account_id,
                entity_type,
                category_id,
                status_id
            from {{ ref('int_entity') }} as entity
            where entity.stage_key = in_use.stage_key
            limit 1  -- noqa: AM09
        )
    ) as seen
    where directory.stage_key is null

),

final as (

    select
        directory.user_account_id,
        directory.entity_type,
        directory.category_id,
        directory.status_id,
        directory.stage_key,
        directory.category_name,
        coalesce(nullif(directory.status_name, ''), directory.status_id) as status_name,
        directory.status_color,
        directory.status_sort,
        coalesce(directory.semantics, in_use.semantics, 'process') as semantics,
        directory.is_qualified_stage,
        directory.is_success_stage,
        directory.is_fail_stage,
        directory.deleted_at is not null as is_deleted
    from directory
    left join in_use on directory.stage_key = in_use.stage_key
    where directory.deleted_at is null or in_use.stage_key is not null

    union all

    select
        unlisted.user_account_id,
        unlisted.entity_type,
        unlisted.category_id,
        unlisted.status_id,
        unlisted.stage_key,
        null as category_name,
        unlisted.status_id as status_name,
        null as status_color,
        null as status_sort,
        coalesce(in_use.semantics, 'process') as semantics,
        false as is_qualified_stage,
        null as is_success_stage,
        null as is_fail_stage,
        true as is_deleted
    from unlisted
    inner join in_use on unlisted.stage_key = in_use.stage_key

)

select * from final
