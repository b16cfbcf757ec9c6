-- name: columns
-- Columns of a mart with their types and comments, in their order; none where it is not there.
select
    attname as name,
    format_type(atttypid, atttypmod) as type,
    coalesce(col_description(attrelid, attnum), '') as description
from pg_attribute
where attrelid = to_regclass({{ relation_name }}) and attnum > 0 and not attisdropped
order by attnum;
