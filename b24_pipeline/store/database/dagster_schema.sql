-- name: is_set_up()$
-- Dagster makes its tables in a schema of their own.
select to_regclass('dagster.event_logs') is not null;

-- name: has_schema()$
-- Whether the schema is there; who may not create one can still use it.
select to_regnamespace('dagster') is not null;

-- name: create_schema()#
-- Where Dagster's tables will be.
create schema if not exists dagster;
