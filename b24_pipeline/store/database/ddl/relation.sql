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
    pg_get_viewdef(view_.oid) as definition,
    pg_get_userbyid(view_.relowner)::text as owner,
    view_.relowner = (select oid from pg_roles where rolname = current_user) as is_ours,
    coalesce(view_.reloptions, '{}') as options
from final
inner join pg_class as view_ on final.oid = view_.oid
inner join pg_namespace as namespace on view_.relnamespace = namespace.oid
order by final.depth, namespace.nspname, view_.relname;

-- name: restore_view
-- A view that had to be dropped with what it reads.
create view {{ relation }} as {{ query }};

-- name: restore_materialized_view
-- A materialized view that had to be dropped with what it reads.
create materialized view {{ relation }} as {{ query }};

-- name: drop_view
-- Makes room; the views that read it are restored in the same transaction.
drop view {{ relation }} cascade;

-- name: drop_materialized_view
-- Makes room; the views that read it are restored in the same transaction.
drop materialized view {{ relation }} cascade;

-- name: lock_replacing
-- One replacement at a time, for a view may read both of what two builders replace. The transaction's end frees it.
select true as is_ours from bitrix24_locks
where name = 'relations'
for update;

-- name: drop_table
-- Makes room; the views that read it are restored in the same transaction.
drop table {{ relation }} cascade;

-- name: comment_on_table
-- What schema.yml says.
comment on table {{ relation }} is {{ comment }};

-- name: comment_on_view
-- What schema.yml says.
comment on view {{ relation }} is {{ comment }};

-- name: comment_on_column
-- What schema.yml says.
comment on column {{ column }} is {{ comment }};

-- name: find_grants
-- What others than its owner may do with a relation; a grantee of null is everybody.
select
    acl.privilege_type as privilege,
    case when acl.grantee != 0 then pg_get_userbyid(acl.grantee)::text end as grantee,
    acl.is_grantable
from pg_class as relation
cross join lateral aclexplode(relation.relacl) as acl
where relation.oid = to_regclass({{ relation_name }}) and acl.grantee != relation.relowner
order by acl.grantee, acl.privilege_type;

-- name: grant
-- A right on a relation.
grant {{ privilege }} on {{ relation }} to {{ role }};

-- name: grant_further
-- A right on a relation that may be passed on.
grant {{ privilege }} on {{ relation }} to {{ role }} with grant option;

-- name: set_options_of_view
-- Such as security_invoker, without which a view reads with its owner's rights.
alter view {{ relation }} set ({{ options }});

-- name: set_options_of_materialized_view
-- How it is stored.
alter materialized view {{ relation }} set ({{ options }});

-- name: give_view
-- A view reads with the rights of its owner.
alter view {{ relation }} owner to {{ role }};

-- name: give_materialized_view
-- A view reads with the rights of its owner.
alter materialized view {{ relation }} owner to {{ role }};

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

-- name: create_probe
-- A view for this session only: tells a query's columns and normal form without running it.
create temporary view b24_probe as {{ query }};

-- name: drop_probe
-- The probe has served.
drop view pg_temp.b24_probe;

-- name: create_view
-- A new view, or the same one with more columns or another query.
create or replace view {{ relation }} as {{ query }};
