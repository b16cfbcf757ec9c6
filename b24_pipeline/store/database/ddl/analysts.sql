-- name: create_login
-- A role for one analyst or BI tool; the password goes over the wire as its digest only.
create role {{ role }} login password {{ password }};

-- name: limit_connections
-- A role that takes all connections of the server would stop everything else.
alter role {{ role }} connection limit {{ most }};

-- name: keep_temporary_tables
-- Ours, before it is taken from everybody.
grant temporary on database {{ database }} to current_user;

-- name: refuse_temporary_tables
-- A role gets it as a part of everybody, and could fill the disk by it.
revoke temporary on database {{ database }} from public;

-- name: keep_large_objects
-- The owner's, before it is taken from everybody. lo_import, which reads the server's files, nobody but a superuser has.
grant execute on function
pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea),
pg_catalog.lo_put(oid, bigint, bytea),
pg_catalog.lowrite(integer, bytea), pg_catalog.lo_truncate(integer, integer),
pg_catalog.lo_truncate64(integer, bigint), pg_catalog.lo_unlink(oid)
to pg_database_owner;

-- name: refuse_large_objects
-- A role gets these as a part of everybody, could fill the disk by them, and could not be dropped afterwards.
revoke execute on function
pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea),
pg_catalog.lo_put(oid, bigint, bytea),
pg_catalog.lowrite(integer, bytea), pg_catalog.lo_truncate(integer, integer),
pg_catalog.lo_truncate64(integer, bigint), pg_catalog.lo_unlink(oid)
from public;

-- name: allow_schema
-- Names in the schema may be looked up; what is in it is granted one by one.
grant usage on schema {{ schema }} to {{ role }};

-- name: refuse_schema
-- Nothing in the schema can be read any more.
revoke usage on schema {{ schema }} from {{ role }};

-- name: allow_all_in_schema
-- Every view that is there now.
grant select on all tables in schema {{ schema }} to {{ role }};

-- name: refuse_all_in_schema
-- Every table and view that is there now.
revoke all on all tables in schema {{ schema }} from {{ role }};

-- name: allow_later_in_schema
-- Every view that we shall make in it.
alter default privileges in schema {{ schema }} grant select on tables to {{ role }};

-- name: refuse_later_in_schema
-- What we make in it later is not readable by itself.
alter default privileges in schema {{ schema }} revoke all on tables from {{ role }};

-- name: allow_relation
-- One mart.
grant select on {{ relation }} to {{ role }};

-- name: set_limit
-- For this role's sessions in this database. It may change them: they are defaults that keep mistakes small.
alter role {{ role }} in database {{ database }} set {{ name }} = {{ value }};

-- name: reset_limits
-- As if it had never been an analyst's.
alter role {{ role }} in database {{ database }} reset all;
