-- name: stages(portal, entity_type, category_id)
-- The stages of a pipeline that its cohorts have figures of, in the pipeline's order.
select distinct
    cohort.status_id,
    cohort.status_name,
    cohort.status_sort,
    stage.is_success_stage,
    stage.is_deleted
from analytics.funnel_cohort as cohort
inner join analytics.dim_stage as stage
    on
        cohort.portal = stage.portal
        and cohort.entity_type = stage.entity_type
        and cohort.category_id = stage.category_id
        and cohort.status_id = stage.status_id
where cohort.portal = :portal and cohort.entity_type = :entity_type and cohort.category_id = :category_id
order by cohort.status_sort asc nulls last, cohort.status_id asc;

-- name: cohorts(portal, entity_type, category_id, status_id, definition, first_day, last_day)
-- Months by age, the latest month first; an age that is null is all of the time until now.
select
    cohort_month,
    age_days,
    entities,
    reached,
    conversion,
    is_mature
from analytics.funnel_cohort
where
    portal = :portal and entity_type = :entity_type and category_id = :category_id
    and status_id = :status_id and definition = :definition
    and (cast(:first_day as date) is null or cohort_month >= date_trunc('month', cast(:first_day as date)))
    and (cast(:last_day as date) is null or cohort_month <= :last_day)
order by cohort_month desc, age_days asc nulls last;
