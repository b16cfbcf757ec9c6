-- name: role_exists(role)$
-- Whether the server has the role.
select exists(select from pg_roles where rolname = :role);

-- name: note(role)!
-- What is built later is granted to it too.
insert into analyst_roles (role_name) values (:role)
on conflict do nothing;

-- name: forget(role)!
-- Nothing is granted to it any more.
delete from analyst_roles
where role_name = :role;

-- name: roles()
-- Roles that may read the marts, since when, and of which portals also custom fields.
select
    analyst.role_name,
    analyst.granted_at,
    array(
        select account.name
        from bitrix24_custom_field_views as views
        inner join user_accounts as account on views.user_account_id = account.id
        inner join pg_namespace as namespace on views.schema_name = namespace.nspname
        where has_schema_privilege(server_role.oid, namespace.oid, 'usage')
        order by account.name
    ) as custom_fields
from analyst_roles as analyst
inner join pg_roles as server_role on analyst.role_name = server_role.rolname
order by analyst.role_name;

-- name: without(relation)
-- Analysts who cannot read a mart yet. A role that was dropped, or is not on this server, is left out.
select analyst.role_name
from analyst_roles as analyst
inner join pg_roles as server_role on analyst.role_name = server_role.rolname
where not has_table_privilege(server_role.oid, to_regclass(:relation), 'select');

-- name: present(schema, names)
-- Which of these relations are there.
select relation.relname
from pg_class as relation
inner join pg_namespace as namespace on relation.relnamespace = namespace.oid
where namespace.nspname = :schema and relation.relname = any(:names);

-- name: present_schemas(schemas)
-- Which of these schemas are there.
select nspname
from pg_namespace
where nspname = any(:schemas);

-- name: reads_beyond(role, schemas)$
-- Something of ours that the role can read and should not, whoever allowed it: nothing, if all is well.
select namespace.nspname || '.' || relation.relname as relation
from pg_class as relation
inner join pg_namespace as namespace on relation.relnamespace = namespace.oid
where
    relation.relkind in ('r', 'p', 'v', 'm')
    and namespace.nspname = any(:schemas)
    and pg_get_userbyid(relation.relowner) = current_user
    and has_any_column_privilege(cast(:role as name), relation.oid, 'select')
order by relation.relname
limit 1;

-- name: schemas_of_fields()
-- Every portal's schema of custom fields.
select views.schema_name
from bitrix24_custom_field_views as views
inner join pg_namespace as namespace on views.schema_name = namespace.nspname;

-- name: owns_database()$
-- Whether rights on the database are ours to give and take.
select pg_has_role(current_user, datdba, 'usage')
from pg_database
where datname = current_database();

-- name: takes_more(role, most)$
-- Whether a role may hold more connections than this.
select rolconnlimit not between 0 and :most
from pg_roles
where rolname = :role;

-- name: stores_large_objects(role)$
-- Whether a role may make large objects. Who has one of the rights of everybody has them all.
select has_function_privilege(cast(:role as name), 'pg_catalog.lo_from_bytea(oid, bytea)', 'execute');

-- name: owns_functions()$
-- Whether rights on the server's own functions are ours to give and take.
select rolsuper
from pg_roles
where rolname = current_user;

-- name: still_read(role)
-- What a role can read in this database though nothing of it is the server's or an extension's.
select namespace.nspname || '.' || relation.relname as relation
from pg_class as relation
inner join pg_namespace as namespace on relation.relnamespace = namespace.oid
where
    relation.relkind in ('r', 'p', 'v', 'm', 'f')
    and namespace.nspname !~ '^pg_' and namespace.nspname != 'information_schema'
    and has_schema_privilege(cast(:role as name), namespace.oid, 'usage')
    and has_any_column_privilege(cast(:role as name), relation.oid, 'select')
    and not exists (
        select
        from pg_depend as dependency
        where
            dependency.classid = 'pg_class'::regclass
            and dependency.objid = relation.oid
            and dependency.deptype = 'e'
    )
order by namespace.nspname, relation.relname;

-- name: unlimited(most)
-- Roles that can take more connections, or lack the usual limits of their sessions, or may make temporary tables, or
-- large objects where we could refuse these.
select analyst.role_name
from analyst_roles as analyst
inner join pg_roles as server_role on analyst.role_name = server_role.rolname
where
    server_role.rolconnlimit not between 0 and :most
    or has_database_privilege(server_role.oid, current_database(), 'temporary')
    or (
        has_function_privilege(server_role.oid, 'pg_catalog.lo_from_bytea(oid, bytea)', 'execute')
        and (select ours.rolsuper from pg_roles as ours where ours.rolname = current_user)
    )
    or not exists (
        select
        from pg_db_role_setting as setting
        inner join pg_database as database on setting.setdatabase = database.oid
        where
            setting.setrole = server_role.oid and database.datname = current_database()
            and strpos(array_to_string(setting.setconfig, ' '), 'statement_timeout=') > 0
            and strpos(array_to_string(setting.setconfig, ' '), 'idle_session_timeout=') > 0
    )
order by analyst.role_name;
