-- name: database_exists(name)$
-- Whether the server has a database of this name.
select exists(select 1 from pg_database where datname = :name);

-- name: create_database()#
-- The database that everything of ours lives in.
create database b24;
