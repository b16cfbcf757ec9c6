-- name: stages(account)
-- Stages that are there, pipeline by pipeline, as people see them in the portal.
select
    stage.id,
    stage.entity_type,
    stage.category_id,
    coalesce(nullif(pipeline.name, ''), nullif(stage.category_name, '')) as category_name,
    stage.status_id,
    stage.status_name,
    stage.status_color,
    stage.status_sort,
    stage.status_semantics,
    stage.is_qualified_stage,
    stage.is_success_stage,
    stage.is_fail_stage
from bitrix24_pipeline_stages as stage
left join bitrix24_pipelines as pipeline
    on
        stage.user_account_id = pipeline.user_account_id
        and stage.entity_type = pipeline.entity_type
        and stage.category_id = pipeline.category_id
where
    stage.user_account_id = :account and stage.deleted_at is null
    -- the flags are for the funnels of leads and deals
    and stage.entity_type in ('lead', 'deal')
order by
    stage.entity_type desc, pipeline.sort asc nulls last, stage.category_id asc,
    stage.status_sort asc nulls last, stage.status_id asc;

-- name: set_flags(account, stage, is_qualified, is_success, is_fail)^
-- Those that are given; the others stay. Nothing comes back where the portal has no such stage.
update bitrix24_pipeline_stages
set
    is_qualified_stage = coalesce(:is_qualified, is_qualified_stage),
    is_success_stage = coalesce(:is_success, is_success_stage),
    is_fail_stage = coalesce(:is_fail, is_fail_stage),
    loaded_at = clock_timestamp()
where id = :stage and user_account_id = :account and deleted_at is null
returning is_success_stage and is_fail_stage as is_both;
