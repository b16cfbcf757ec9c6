-- name: make_staging(table, staging)$
-- A temporary table like the target, once a connection.
select b24_make_staging(cast(:table as regclass), :staging);

-- name: merge(table, staging, columns, time_zone, keep_custom_fields, asked_at)^
-- What was staged into the table; only rows that differ.
select
    rows_changed,
    months
from b24_merge(
    cast(:table as regclass), cast(:staging as regclass), :columns, :time_zone, :keep_custom_fields,
    cast(:asked_at as timestamptz)
);

-- name: has_rows(table, account, part, after, upto)$
-- Whether the portal has rows in these id ranges.
select b24_has_rows(
    cast(:table as regclass), :account, :part, cast(:after as bigint[]), cast(:upto as bigint[])
);

-- name: months(table, account, part, after, upto, time_zone)$
-- In which months its rows there were created.
select b24_months(
    cast(:table as regclass), :account, :part, cast(:after as bigint[]), cast(:upto as bigint[]), :time_zone
);

-- name: note_vanished(table, staging, account, part, entity, scope, after, upto, created_from, created_before)$
-- Rows of the id range that are alive here and were not read.
select b24_note_vanished(
    cast(:table as regclass), cast(:staging as regclass), :account, :part, :entity, :scope,
    :after, :upto, cast(:created_from as timestamptz), cast(:created_before as timestamptz)
);

-- name: vanished(account, entity, scope)
-- The ids that a load has missed.
select id
from bitrix24_vanished
where user_account_id = :account and entity_type = :entity and scope = :scope
order by id;

-- name: forget_vanished(account, entity, scope, ids)!
-- Ids that were found again, or all of a load.
delete from bitrix24_vanished
where
    user_account_id = :account and entity_type = :entity and scope = :scope
    and (cast(:ids as bigint[]) is null or id = any(cast(:ids as bigint[])));

-- name: set_tombstones(table, account, part, entity, scope)$
-- The missed rows are deleted.
select b24_set_tombstones(cast(:table as regclass), :account, :part, :entity, :scope);

-- name: count_alive(table, account, part)$
-- Rows that are not deleted.
select b24_count_alive(cast(:table as regclass), :account, :part);

-- name: analyze_table(table)$
-- The planner must not take a table that was just filled for an empty one.
select b24_analyze(cast(:table as regclass));
