{{ config(
    unique_key=['user_account_id', 'entity_type', 'category_id', 'status_id'],
    indexes=[{'columns': ['stage_key']}, {'columns': ['pipeline_key']}]
) }}

with labelled as (

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
    from {{ ref('int_known_stage') }} as known
    left join {{ ref('stg_pipelines') }} as pipelines
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
