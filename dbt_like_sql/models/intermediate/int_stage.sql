{{ config(materialized='table', unique_key=['user_account_id', 'entity_type', 'category_id', 'status_id']) }}

with directory as (

    select * from {{ ref('stg_stages') }}

),

pipelines as (

    select * from {{ ref('stg_pipelines') }}

),

stages_in_use as (

    select
        user_account_id,
        entity_type,
        category_id,
        status_id,
        semantics
    from {{ ref('int_entity') }}
    where is_counted and status_id is not null

    union

    select
        user_account_id,
        entity_type,
        category_id,
        status_id,
        null as semantics
    from {{ ref('int_stage_interval') }}
    where is_counted

),

in_use as (

    select
        user_account_id,
        entity_type,
        category_id,
        status_id,
        max(semantics) as semantics
    from stages_in_use
    group by user_account_id, entity_type, category_id, status_id

),

known as (

    select
        user_account_id,
        entity_type,
        category_id,
        status_id,
        directory.category_name,
        coalesce(nullif(directory.status_name, ''), status_id) as status_name,
        directory.status_color,
        directory.status_sort,
        coalesce(directory.semantics, in_use.semantics, 'process') as semantics,
        directory.is_qualified_stage,
        directory.is_success_stage,
        directory.is_fail_stage,
        directory.status_id is null or directory.deleted_at is not null as is_deleted
    from directory
    full join in_use using (user_account_id, entity_type, category_id, status_id)
    where directory.deleted_at is null or in_use.status_id is not null

),

labelled as (

    select
        known.user_account_id,
        known.entity_type,
        known.category_id,
        known.status_id,
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
        coalesce(known.is_qualified_stage, false) as is_qualified_stage,
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
        row_number() over (order by user_account_id, entity_type, category_id, status_id) as stage_number,
        dense_rank() over (order by user_account_id, entity_type, category_id) as pipeline_number,
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
