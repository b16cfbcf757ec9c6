-- name: columns
-- Columns of a relation with their types and comments, in their order; none where the relation does not exist.
select
    attname as name,
    format_type(atttypid, atttypmod) as type,
    coalesce(col_description(attrelid, attnum), '') as description
from pg_attribute
where attrelid = to_regclass({{ relation_name }}) and attnum > 0 and not attisdropped
order by attnum;

-- name: function_columns
-- Columns of the rows that a function returns, with their types, in their order; none where it does not exist.
select
    argument.name,
    format_type(argument.type, null) as type,
    '' as description
from pg_proc as function
cross join lateral unnest(function.proallargtypes, function.proargnames, function.proargmodes) with ordinality
as argument (type, name, mode, place)
where function.oid = to_regproc({{ function_name }}) and argument.mode = 't'
order by argument.place;
