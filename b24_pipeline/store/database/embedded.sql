-- name: database_exists(name)$
-- Whether the server has a database of this name.
select exists(select 1 from pg_database where datname = :name);

-- name: create_database()#
-- The database that everything of ours lives in.
create database b24;

-- name: has_buffers(megabytes)$
-- Whether the server's memory for pages is what it should be, or was set and waits for the next start.
select exists(
    select 1
    from pg_file_settings
    where name = 'shared_buffers' and pg_size_bytes(setting) >= :megabytes * 1024::bigint * 1024
);
