-- depends: 0035_funnel_as_of_with_amounts
-- The schema analytics holds what analysts read, and nothing else. What the marts are built of moves into a schema of its
-- own, rows and views upon them included, so that nothing has to be computed anew for it.

-- a name that is ours from now on: the schema of the custom fields of a portal called `build` gets eight digits of a hash, as others do
do $$
declare
    taken record;
    free text;
begin
    for taken in
        select views.schema_name
        from bitrix24_custom_field_views as views
        where views.schema_name = 'analytics_build'
    loop
        free := taken.schema_name || '_'
            || left(encode(sha256(convert_to(substr(taken.schema_name, 11), 'UTF8')), 'hex'), 8);
        if to_regnamespace(taken.schema_name) is not null then
            execute format('alter schema %I rename to %I', taken.schema_name, free);
        end if;
        update bitrix24_custom_field_views set schema_name = free where schema_name = taken.schema_name;
    end loop;
end $$;

create schema if not exists analytics_build;
comment on schema analytics_build is 'What the marts in analytics are built of: not for analysts, it changes, and phones in it are in clear.';
comment on schema analytics is 'Marts and dimensions, built from dbt_like_sql/: what analysts and BI tools read.';

do $$
declare
    inner_model record;
begin
    for inner_model in
        select relation.oid::regclass as name
        from pg_class as relation
        where
            relation.relnamespace = 'analytics'::regnamespace
            and relation.relkind in ('r', 'v')
            and relation.relname ~ '^(stg|int)_'
            and pg_has_role(relation.relowner, 'usage')
    loop
        execute format('alter table %s set schema analytics_build', inner_model.name);
    end loop;
end $$;
