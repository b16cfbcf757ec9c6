-- name: wait_for_ever
-- Another build may take longer than a connection's usual patience with locks.
set local lock_timeout = 0;

-- name: lock_builds
-- One build of a schema at a time; a second one waits here. The session's end frees it.
select pg_advisory_lock(hashtextextended('b24 models of ' || {{ schema_name }}, 0));

-- name: unlock_builds
-- The next build may start.
select pg_advisory_unlock(hashtextextended('b24 models of ' || {{ schema_name }}, 0));

-- name: create_schema
-- The models' schema; the migrations make the usual one.
create schema if not exists {{ schema }};

-- name: find_schema
-- Whether the schema is there: `create schema if not exists` asks for the right to create even then.
select 1
from pg_namespace
where nspname = {{ schema_name }};

-- name: describe_relation
-- Kind and columns of a table or view, or nothing where there is none.
select
    relation.relkind::text as kind,
    coalesce(
        (
            select array_agg(column_.attname || ' ' || format_type(column_.atttypid, column_.atttypmod) order by column_.attnum)
            from pg_attribute as column_
            where column_.attrelid = relation.oid and column_.attnum > 0 and not column_.attisdropped
        ),
        '{}'
    )::text[] as columns
from pg_class as relation
where relation.oid = to_regclass({{ relation_name }});

-- name: find_indexes
-- The columns of each index of a table.
select
    coalesce(
        (
            select array_agg(column_.attname::text order by place.number)
            from unnest(index_.indkey::smallint[]) with ordinality as place (attnum, number)
            inner join pg_attribute as column_
                on index_.indrelid = column_.attrelid and place.attnum = column_.attnum
        ),
        '{}'
    ) as columns
from pg_index as index_
where index_.indrelid = to_regclass({{ relation_name }});

-- name: view_definition
-- A view's query as PostgreSQL has understood it.
select pg_get_viewdef(to_regclass({{ relation_name }})) as definition;

-- name: find_comments
-- The comments of a relation (column 0) and of its columns.
select
    coalesce(column_.attname, '') as column_name,
    description.description
from pg_description as description
left join pg_attribute as column_
    on
        description.objoid = column_.attrelid
        and description.objsubid = column_.attnum
        and description.objsubid > 0
where
    description.objoid = to_regclass({{ relation_name }})
    and description.classoid = 'pg_class'::regclass;

-- name: find_dependent_views
-- Every view that reads a relation, directly or through others, in an order to create them in.
with recursive dependents as (

    select
        rewrite.ev_class as view_id,
        1 as depth
    from pg_depend as dependency
    inner join pg_rewrite as rewrite on dependency.objid = rewrite.oid
    where
        dependency.classid = 'pg_rewrite'::regclass
        and dependency.refobjid = to_regclass({{ relation_name }})
        and rewrite.ev_class != dependency.refobjid

    union

    select
        rewrite.ev_class as view_id,
        dependents.depth + 1 as depth
    from dependents
    inner join pg_depend as dependency on dependents.view_id = dependency.refobjid
    inner join pg_rewrite as rewrite on dependency.objid = rewrite.oid
    where
        dependency.classid = 'pg_rewrite'::regclass
        and rewrite.ev_class != dependency.refobjid

),

final as (

    select
        view_.oid,
        max(dependents.depth) as depth
    from dependents
    inner join pg_class as view_ on dependents.view_id = view_.oid
    group by view_.oid

)

select
    namespace.nspname as schema,
    view_.relname as name,
    view_.relkind = 'm' as is_materialized,
    pg_get_viewdef(view_.oid) as definition
from final
inner join pg_class as view_ on final.oid = view_.oid
inner join pg_namespace as namespace on view_.relnamespace = namespace.oid
order by final.depth, namespace.nspname, view_.relname;
