-- name: allow_memory
-- Sorts and hashes of a whole portal fit into this; with the usual 4 MB they would go through files.
set local work_mem = '128MB';

-- name: prefer_indexes
-- What a build reads at random is in memory or on a disk without heads; with the usual 4 a few rows of
-- many are found by reading all.
set local random_page_cost = 1.1;

-- name: forbid_compiling
-- Where a server compiles queries that it thinks long, the compiling is longer than what these gain.
set local jit = off;

-- name: create_next
-- The new table beside the old one, which readers still have.
create table {{ relation }} as {{ query }};

-- name: rename_next
-- The new table takes the old one's name.
alter table {{ relation }} rename to {{ name }};

-- name: create_index
-- Finds rows by their key or by another column, for the next build and for whoever looks one up.
create index on {{ relation }} ({{ key }});

-- name: analyze
-- Without statistics the models further on are planned as if the table were empty.
analyze {{ relation }};

-- name: vacuum
-- A table that was just written is looked up row by row even where the index knows all, until this has seen it.
vacuum (skip_locked) {{ relation }};

-- name: keep_others_out
-- Builds keep one another out by a lock of a session, which is lost where that session is ended while another one of
-- the same build still writes. A lock of the table itself would be in the way of autovacuum.
select pg_advisory_xact_lock(hashtextextended('b24 model ' || {{ name }}, 0));

-- name: create_candidate
-- The rows as they should be, for this transaction only.
create temporary table b24_candidate on commit drop as {{ query }};

-- name: drop_candidate
-- Several models may be built in one transaction of the caller's.
drop table pg_temp.b24_candidate;

-- name: analyze_candidate
-- The comparison below is planned by it.
analyze pg_temp.b24_candidate;

-- name: delete_differing
-- Rows of the old table that are not to be there as they are.
delete from {{ relation }} as old
where
    not exists (
        select 1
        from pg_temp.b24_candidate as new
        where ({{ new_key }}) = ({{ old_key }}) and record_image_eq(new, old)
    );

-- name: insert_differing
-- Rows that the old table has not, or not as they should be.
insert into {{ relation }}
select new.*
from pg_temp.b24_candidate as new
where
    not exists (
        select 1
        from {{ relation }} as old
        where ({{ old_key }}) = ({{ new_key }}) and record_image_eq(old, new)
    );

-- name: delete_all
-- Every row; readers keep seeing them until the transaction ends.
delete from {{ relation }};

-- name: delete_keys
-- Every row of the keys that were computed anew.
delete from {{ relation }} as old
using (select distinct {{ key }} from pg_temp.b24_candidate) as touched
where ({{ touched_key }}) = ({{ old_key }});

-- name: insert_all
-- Every row as it should be.
insert into {{ relation }}
select *
from pg_temp.b24_candidate;

-- name: insert_by_name
-- Every row as it should be, where the table may have its columns in another order.
insert into {{ relation }} ({{ key }})
select {{ key }}
from pg_temp.b24_candidate;

-- name: compare_columns
-- The columns of a table and of the rows that are to go into it, each with its type, and whether the type of the rows
-- goes into that of the table without a loss: the same, or one that PostgreSQL takes for it by itself, in a column that
-- shortens nothing.
with stored as (
    select
        attname,
        atttypid,
        atttypmod,
        attnum
    from pg_catalog.pg_attribute
    where attrelid = to_regclass({{ relation_name }}) and attnum > 0 and not attisdropped
),

new as (
    select
        attname,
        atttypid,
        atttypmod,
        attnum
    from pg_catalog.pg_attribute
    where attrelid = to_regclass('pg_temp.b24_candidate') and attnum > 0 and not attisdropped
)

select
    attname as column_name,
    format_type(stored.atttypid, stored.atttypmod) as stored_type,
    format_type(new.atttypid, new.atttypmod) as new_type,
    stored.atttypmod in (-1, new.atttypmod)
    and (
        stored.atttypid = new.atttypid
        or exists (
            select 1
            from pg_catalog.pg_cast
            where castsource = new.atttypid and casttarget = stored.atttypid and castcontext = 'i'
        )
    ) as fits
from stored
full join new using (attname)
order by new.attnum, stored.attnum;

-- name: add_column
-- A column that came: what the table has already has nothing in it.
alter table {{ relation }} add column {{ name }} {{ column_type }};

-- name: count_rows
-- Rows of the table.
select count(*) as rows
from {{ relation }};

-- name: count_candidates
-- Rows as they should be.
select count(*) as rows
from pg_temp.b24_candidate;

-- name: count_failures
-- How many rows break a check.
select count(*) as failures
from (
    {{ query }}
) as failing;

-- name: count_conditions
-- How many rows break each of several checks, and of a check of values how many values.
select
    {% for condition in conditions %}
        {% if condition.accepted %}
            count(distinct {{ condition.column }})
            filter (where {{ condition.column }} not in ({{ condition.accepted }})) as {{ condition.name }},
        {% else %}
            count(*) filter (where {{ condition.column }} is null) as {{ condition.name }},
        {% endif %}
    {% endfor %}
    count(*) as rows
from {{ relation }};

-- name: list_relations
-- The tables and views that are there, with their columns.
select
    schema.nspname,
    relation.relname,
    array_agg(
        concat(attribute.attname, ' ', format_type(attribute.atttypid, attribute.atttypmod))
        order by attribute.attnum
    ) as columns
from pg_catalog.pg_class as relation
inner join pg_catalog.pg_namespace as schema on relation.relnamespace = schema.oid
inner join pg_catalog.pg_attribute as attribute on relation.oid = attribute.attrelid
where
    schema.nspname = any({{ schemas }})
    and relation.relkind in ('r', 'v')
    and attribute.attnum > 0
    and not attribute.attisdropped
group by schema.nspname, relation.relname;
