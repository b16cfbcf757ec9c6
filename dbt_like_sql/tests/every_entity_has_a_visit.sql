-- Whoever stands in a stage has come there.
select
    entity.user_account_id,
    entity.entity_type,
    entity.entity_id
from {{ ref('int_entity') }} as entity
where
    entity.status_id is not null
    {% if var("by_change") %}
        and (entity.user_account_id, entity.entity_type, entity.entity_id) in (
            select
                changed.user_account_id,
                changed.entity_type,
                changed.entity_id
            from {{ ref('int_changed_entity') }} as changed
        )
    {% endif %}
    and not exists (
        select 1
        from {{ ref('int_stage_interval') }} as visits
        where
            visits.user_account_id = entity.user_account_id
            and visits.entity_type = entity.entity_type
            and visits.entity_id = entity.entity_id
    )
