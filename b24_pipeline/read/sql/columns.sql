-- name: columns
-- Columns of a relation with their types and comments, in their order; none where the relation does not exist.
select
    attname as name,
    format_type(atttypid, atttypmod) as type,
    coalesce(col_description(attrelid, attnum), '') as description
from pg_attribute
where attrelid = to_regclass({{ relation_name }}) and attnum > 0 and not attisdropped
order by attnum;
