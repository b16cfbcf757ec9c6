-- name: choices(account, entity_type)
-- Custom fields of one value or of a list of values that a condition can be about, by label.
select
    portal_field_id as id,
    field_name,
    field_type as user_type_id,
    coalesce(label, field_name) as label,
    coalesce(is_multiple, false) as multiple,
    enumeration_values as options
from bitrix24_fields
where
    user_account_id = :account and entity_type = :entity_type and deleted_at is null
    and is_custom and portal_field_id is not null and field_type in ('boolean', 'enumeration', 'string')
order by coalesce(label, field_name), field_name;
