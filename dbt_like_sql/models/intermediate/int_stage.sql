{{ config(materialized='table', unique_key=['user_account_id', 'entity_type', 'category_id', 'status_id']) }}

with directory as (

    select
        stage.*,
        hashtextextended(
            concat_ws(':', user_account_id, entity_type, category_id, status_id), 0
        ) as stage_key
    from {{ ref('stg_stages') }} as stage

),

pipelines as (

    select * from {{ ref('stg_pipelines') }}

),

stands_in as (

    select
        stage_key,
        max(semantics) as semantics
    from {{ ref('int_entity') }}
    where is_counted and status_id is not null
    group by stage_key

),

in_use as (

    select
        stage_key,
        max(semantics) as semantics
    from (
        select
            stage_key,
            semantics
        from stands_in
        union all
        select
            stage_key,
            null as semantics
        from {{ ref('int_flow') }}
    ) as used
    group by stage_key

),

-- stages that the directory never had: any visit and any entity there knows what they are
strangers as (

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

known as (

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
        strangers.user_account_id,
        strangers.entity_type,
        strangers.category_id,
        strangers.status_id,
        strangers.stage_key,
        null as category_name,
        strangers.status_id as status_name,
        null as status_color,
        null as status_sort,
        coalesce(in_use.semantics, 'process') as semantics,
        false as is_qualified_stage,
        null as is_success_stage,
        null as is_fail_stage,
        true as is_deleted
    from strangers
    inner join in_use on strangers.stage_key = in_use.stage_key

),

labelled as (

    select
        known.user_account_id,
        known.entity_type,
        known.category_id,
        known.status_id,
        known.stage_key,
        coalesce(
            nullif(pipelines.category_name, ''),
            max(nullif(known.category_name, '')) over (
                partition by known.user_account_id, known.entity_type, known.category_id
            ),
            known.category_id::text
        ) as category_name,
        known.status_name,
        known.status_color,
        known.status_sort,
        known.semantics,
        known.semantics = 'process' and not known.is_deleted as is_step,
        known.is_qualified_stage,
        coalesce(known.is_success_stage, known.semantics = 'success') as is_success_stage,
        coalesce(known.is_fail_stage, known.semantics = 'failure') as is_fail_stage,
        known.is_deleted
    from known
    left join pipelines
        on
            known.user_account_id = pipelines.user_account_id
            and known.entity_type = pipelines.entity_type
            and known.category_id = pipelines.category_id

),

final as (

    select
        stage_key,
        hashtextextended(concat_ws(':', user_account_id, entity_type, category_id), 0) as pipeline_key,
        user_account_id,
        entity_type,
        category_id,
        category_name,
        status_id,
        status_name,
        status_color,
        status_sort,
        semantics,
        is_qualified_stage,
        is_success_stage,
        is_fail_stage,
        is_deleted,
        count(*) filter (where is_step) over (by_sort range unbounded preceding exclude group) as steps_before,
        count(*) filter (where is_step) over (by_sort range unbounded preceding) as steps_through
    from labelled
    window by_sort as (partition by user_account_id, entity_type, category_id order by status_sort)

)

select * from final
