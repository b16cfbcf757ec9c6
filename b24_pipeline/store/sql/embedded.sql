-- name: database_exists(name)$
-- Whether the server has a database of this name.
select exists(select 1 from pg_database where datname = :name);
