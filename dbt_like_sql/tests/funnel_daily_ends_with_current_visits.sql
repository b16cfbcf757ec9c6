-- The stock of the last day is the number of visits that have not ended.
with last_days as (

    select distinct on (portal, entity_type, category_id, status_id)
        portal,
        entity_type,
        category_id,
        status_id,
        in_stage_end
    from {{ ref('funnel_daily') }}
    order by portal asc, entity_type asc, category_id asc, status_id asc, day desc

),

current_visits as (

    select
        portal,
        entity_type,
        category_id,
        status_id,
        count(*) as visits
    from {{ ref('fct_stage_interval') }}
    where is_current
    group by portal, entity_type, category_id, status_id

)

select *
from last_days
full join current_visits using (portal, entity_type, category_id, status_id)
where coalesce(last_days.in_stage_end, 0) != coalesce(current_visits.visits, 0)
