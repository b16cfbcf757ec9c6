-- name: has_history()$
-- Whether anything was ever migrated here.
select to_regclass('public._yoyo_migration') is not null;

-- name: may_read_history()$
-- Whether the role may see what was migrated. Whoever reads the marts alone may not.
select coalesce(has_table_privilege(to_regclass('public._yoyo_migration'), 'select'), true);

-- name: applied()
-- The names of all migrations applied.
select migration_id from public._yoyo_migration;
