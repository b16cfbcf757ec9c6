-- A day's stock is the stock of the day before, and what came in, less what went out.
with days as (

    select
        *,
        lag(in_stage_end, 1, 0::bigint) over (
            partition by portal, entity_type, category_id, status_id
            order by day
        ) as in_stage_before,
        left_forward + left_back + won + lost + reopened + moved_to_other_pipeline + deleted
            as left_by_kind
    from {{ ref('funnel_daily') }}
    {% if var("by_change") %}
        where
            (portal, entity_type, category_id, status_id) in (
                select
                    touched.portal,
                    touched.entity_type,
                    touched.category_id,
                    touched.status_id
                from {{ ref('int_touched_stage') }} as touched
            )
    {% endif %}

)

select * from days
where
    in_stage_start != in_stage_before
    or in_stage_end != in_stage_start + entered - left_total
    or left_total != left_by_kind
    or created not between 0 and entered
    or in_stage_end < 0
