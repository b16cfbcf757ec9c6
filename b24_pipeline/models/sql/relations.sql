-- name: wait_for_ever
-- Another build may take longer than a connection's usual patience with locks.
set local lock_timeout = 0;

-- name: stay
-- A server that ends idle sessions must not end the one that holds the lock, while others build.
set idle_session_timeout = 0;

-- name: lock_builds
-- One build of a schema at a time; a second one waits here. The session's end frees it.
select pg_advisory_lock(hashtextextended('b24 models of ' || {{ schema_name }}, 0));

-- name: unlock_builds
-- The next build may start.
select pg_advisory_unlock(hashtextextended('b24 models of ' || {{ schema_name }}, 0));

-- name: create_schema
-- The models' schema; the migrations make the usual one.
create schema if not exists {{ schema }};

-- name: find_schema
-- Whether the schema is there: `create schema if not exists` asks for the right to create even then.
select 1
from pg_namespace
where nspname = {{ schema_name }};
