-- name: has_history()$
-- Whether anything was ever migrated here.
select to_regclass('public._yoyo_migration') is not null;

-- name: applied()
-- The names of all migrations applied.
select migration_id from public._yoyo_migration;
