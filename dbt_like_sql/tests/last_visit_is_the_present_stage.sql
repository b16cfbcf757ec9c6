-- A move that was read before its entity was shows here until the entity is read again. It stays where the portal's own history does not end with the stage in which the entity is, as in a portal that was taken back to an earlier state.
{{ config(severity='warn') }}

select
    entity.user_account_id,
    entity.entity_type,
    entity.entity_id
from {{ ref('int_entity') }} as entity
inner join {{ ref('int_stage_interval') }} as visits
    on
        entity.user_account_id = visits.user_account_id
        and entity.entity_type = visits.entity_type
        and entity.entity_id = visits.entity_id
        and visits.exited_at is null
where
    entity.is_counted
    and (entity.category_id, entity.status_id) != (visits.category_id, visits.status_id)
