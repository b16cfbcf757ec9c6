-- A visit of a stage that dim_stage does not have would be missing from the funnel.
select distinct
    visits.portal,
    visits.entity_type,
    visits.category_id,
    visits.status_id
from {{ ref('fct_stage_interval') }} as visits
where
    not exists (
        select 1
        from {{ ref('dim_stage') }} as stage
        where
            stage.portal = visits.portal
            and stage.entity_type = visits.entity_type
            and stage.category_id = visits.category_id
            and stage.status_id = visits.status_id
    )
