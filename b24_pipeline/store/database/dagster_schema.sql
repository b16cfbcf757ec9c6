-- name: is_set_up()$
-- Dagster makes its tables in a schema of their own.
select to_regclass('dagster.event_logs') is not null;

-- name: has_schema()$
-- Whether the schema is there; who may not create one can still use it.
select to_regnamespace('dagster') is not null;

-- name: create_schema()#
-- Where Dagster's tables will be.
create schema if not exists dagster;

-- name: may_see_daemon()$
-- Whether there is a table of heartbeats that this role may read; another role's Dagster is not its business.
select count(*) > 0
from pg_class
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where
    pg_namespace.nspname = 'dagster' and pg_class.relname = 'daemon_heartbeats'
    and has_schema_privilege(pg_namespace.oid, 'usage') and has_table_privilege(pg_class.oid, 'select');

-- name: daemon_seconds()$
-- Dagster stores moments of UTC without a zone. No row where no daemon has ever reported.
select greatest(extract(epoch from now() at time zone 'UTC' - max(daemon_heartbeats.timestamp)), 0)::double precision
from dagster.daemon_heartbeats
having count(*) > 0;
