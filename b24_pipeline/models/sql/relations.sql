-- name: stay
-- A server that ends idle sessions must not end the one that holds the lock, while others build.
set idle_session_timeout = 0;

-- name: create_schema
-- The models' schema; the migrations make the usual one.
create schema if not exists {{ schema }};

-- name: find_schema
-- Whether the schema is there: `create schema if not exists` asks for the right to create even then.
select 1
from pg_namespace
where nspname = {{ schema_name }};
