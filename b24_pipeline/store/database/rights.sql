-- name: rights()^
-- What the role of this session may do: change tables, build the marts, take what people and portals send.
select
    current_user as role,
    coalesce(
        (
            select pg_has_role(relowner, 'usage')
            from pg_class
            where relnamespace = 'public'::regnamespace and relname = 'user_accounts'
        ),
        false
    ) as may_migrate,
    coalesce(
        (
            select has_schema_privilege(oid, 'create')
            from pg_namespace
            where nspname = 'analytics'
        ),
        false
    ) as may_build,
    coalesce(
        (
            select has_table_privilege(oid, 'insert')
            from pg_class
            where relnamespace = 'public'::regnamespace and relname = 'bitrix24_webhook_events'
        ),
        false
    ) as may_serve;

-- name: reads_marts_alone()$
-- Whether the role of this session reads the marts, and not the tables below them.
select
    coalesce(
        (
            select has_schema_privilege(oid, 'usage')
            from pg_namespace
            where nspname = 'analytics'
        ),
        false
    )
    and not coalesce(
        (
            select has_table_privilege(oid, 'select')
            from pg_class
            where relnamespace = 'public'::regnamespace and relname = 'user_accounts'
        ),
        true
    );

-- name: owner_of_tables()$
-- Whose the tables are; before there are any, whose they would be.
select coalesce(
    (
        select pg_get_userbyid(relowner)
        from pg_class
        where relnamespace = 'public'::regnamespace and relname = 'user_accounts'
    ),
    current_user
);
