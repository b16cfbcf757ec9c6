-- name: lock()$
-- Waits for another migration to end. The number is ours alone: "b24m" in ASCII.
select pg_advisory_lock(1647457389);

-- name: unlock()$
-- Lets the next one in.
select pg_advisory_unlock(1647457389);

-- name: has_history()$
-- Whether anything was ever migrated here.
select to_regclass('public._yoyo_migration') is not null;

-- name: applied()
-- The names of all migrations applied.
select migration_id from public._yoyo_migration;
