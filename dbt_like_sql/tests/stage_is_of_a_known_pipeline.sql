-- Every stage belongs to a pipeline of dim_pipeline.
select
    stage.portal,
    stage.entity_type,
    stage.category_id,
    stage.status_id
from {{ ref('dim_stage') }} as stage
where
    not exists (
        select 1
        from {{ ref('dim_pipeline') }} as pipeline
        where
            pipeline.portal = stage.portal
            and pipeline.entity_type = stage.entity_type
            and pipeline.category_id = stage.category_id
    )
