-- Each entity's visits are numbered without a gap, and each ends where the next begins.
with neighbours as (

    select
        *,
        lead(visit_number) over of_entity as next_number,
        lead(entered_at) over of_entity as next_entered_at,
        lead(category_id) over of_entity as next_category_id,
        lead(status_id) over of_entity as next_status_id
    from {{ ref('int_stage_interval') }}
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
