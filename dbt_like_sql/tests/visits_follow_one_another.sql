-- Each entity's visits are numbered without a gap, and each ends where the next begins.
with visits as (

    {% if var("by_change") %}
        select visit.*
        from {{ ref('int_changed_entity') }} as changed
        -- offset 0 makes the planner look up each by its key: it does not know how few they are
        cross join lateral (
            select *
            from {{ ref('int_stage_interval') }} as stored
            where
                stored.user_account_id = changed.user_account_id
                and stored.entity_type = changed.entity_type
                and stored.entity_id = changed.entity_id
            offset 0  -- noqa: AM09
        ) as visit
    {% else %}
        select * from {{ ref('int_stage_interval') }}
    {% endif %}

),

neighbours as (

    select
        *,
        lead(visit_number) over of_entity as next_number,
        lead(entered_at) over of_entity as next_entered_at,
        lead(category_id) over of_entity as next_category_id,
        lead(status_id) over of_entity as next_status_id
    from visits
    window of_entity as (
        partition by user_account_id, entity_type, entity_id
        order by visit_number
    )

)

select * from neighbours
where
    next_number != visit_number + 1
    or exited_at is distinct from next_entered_at
    or exited_at < entered_at
    or (category_id, status_id) = (next_category_id, next_status_id)
