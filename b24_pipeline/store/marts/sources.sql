-- name: states()
-- How each table that the models read stands: of small tables a sum of all that is in them, of others that views alone read
-- the last stamp, and the number of rows with a stamp not far from it. What is in the change log is not here.
select
    'public.user_accounts' as relation,
    md5(string_agg(concat_ws(' ', id, name, bitrix24_time_zone), ',' order by id)) as state
from user_accounts
union all
select
    'public.creatives' as relation,
    md5(string_agg(cast(creatives as text), ',' order by id)) as state
from creatives
union all
select
    'public.account_directions' as relation,
    md5(string_agg(cast(account_directions as text), ',' order by id)) as state
from account_directions
union all
select
    'public.bitrix24_pipelines' as relation,
    md5(string_agg(
        cast(to_jsonb(bitrix24_pipelines) - 'loaded_at' as text), ','
        order by user_account_id, entity_type, category_id
    )) as state
from bitrix24_pipelines
union all
select
    'public.bitrix24_pipeline_stages' as relation,
    md5(string_agg(cast(to_jsonb(bitrix24_pipeline_stages) - 'loaded_at' as text), ',' order by id)) as state
from bitrix24_pipeline_stages
union all
select
    'public.bitrix24_statuses' as relation,
    md5(string_agg(
        cast(to_jsonb(bitrix24_statuses) - 'loaded_at' as text), ','
        order by user_account_id, directory, status_id
    )) as state
from bitrix24_statuses
union all
select
    'public.bitrix24_departments' as relation,
    md5(string_agg(
        cast(to_jsonb(bitrix24_departments) - 'loaded_at' as text), ',' order by user_account_id, id
    )) as state
from bitrix24_departments
union all
select
    'public.bitrix24_currencies' as relation,
    md5(string_agg(
        cast(to_jsonb(bitrix24_currencies) - 'loaded_at' as text), ',' order by user_account_id, currency
    )) as state
from bitrix24_currencies
union all
select
    'public.bitrix24_users' as relation,
    concat_ws(' ', last.stamp, (
        select count(*) from bitrix24_users where loaded_at >= last.stamp - interval '15 minutes'
    )) as state
from (select max(loaded_at) as stamp from bitrix24_users) as last
union all
select
    'public.bitrix24_contacts' as relation,
    concat_ws(' ', last.stamp, (
        select count(*) from bitrix24_contacts where loaded_at >= last.stamp - interval '15 minutes'
    )) as state
from (select max(loaded_at) as stamp from bitrix24_contacts) as last
union all
select
    'public.bitrix24_companies' as relation,
    concat_ws(' ', last.stamp, (
        select count(*) from bitrix24_companies where loaded_at >= last.stamp - interval '15 minutes'
    )) as state
from (select max(loaded_at) as stamp from bitrix24_companies) as last
union all
select
    'public.bitrix24_contact_links' as relation,
    concat_ws(' ', last.stamp, (
        select count(*) from bitrix24_contact_links where loaded_at >= last.stamp - interval '15 minutes'
    )) as state
from (select max(loaded_at) as stamp from bitrix24_contact_links) as last
union all
select
    'public.lead_matches' as relation,
    concat_ws(' ', last.stamp, (
        select count(*) from lead_matches where updated_at >= last.stamp - interval '15 minutes'
    )) as state
from (select max(updated_at) as stamp from lead_matches) as last
union all
select
    'public.reconciliation' as relation,
    concat_ws(' ', last.stamp, (
        select count(*) from reconciliation where checked_at >= last.stamp - interval '15 minutes'
    )) as state
from (select max(checked_at) as stamp from reconciliation) as last;

-- name: server_and_snapshot()$
-- Which transactions are seen now. Their numbers mean something on this server alone: a copy of the database on another
-- one begins to count anew.
select concat_ws(' ', (select system_identifier from pg_control_system()), pg_current_snapshot());

-- name: is_later(seen)$
-- Whether now is later than a snapshot: where a server was put back, it is not.
select pg_snapshot_xmax(pg_current_snapshot()) >= pg_snapshot_xmax(cast(:seen as pg_snapshot));

-- name: changed_tables(seen)
-- The tables of which something was written that a snapshot has not seen, and whether one of them was emptied.
select
    table_name,
    bool_or(user_account_id is null) as is_emptied
from bitrix24_changes
where
    changed_in >= pg_snapshot_xmin(cast(:seen as pg_snapshot))
    and not pg_visible_in_snapshot(changed_in, cast(:seen as pg_snapshot))
group by table_name;

-- name: built(schema)
-- As of which state of each table the models of a schema were built, and from which models.
select
    relation,
    state,
    models
from bitrix24_model_sources
where schema_name = :schema;

-- name: note(schema, relations, states, models)!
-- All models above these tables were built as of these states.
insert into bitrix24_model_sources (schema_name, relation, state, models)
select
    :schema,
    source.relation,
    source.state,
    :models
from unnest(cast(:relations as text[]), cast(:states as text[])) as source (relation, state)
on conflict (schema_name, relation) do update
set state = excluded.state, models = excluded.models, built_at = clock_timestamp();

-- name: note_unseen(schema, relation)!
-- Something of this schema changed that own models have not seen; what they have not seen first counts.
insert into bitrix24_model_sources (schema_name, relation, state, models)
values (:schema, :relation, '', '')
on conflict (schema_name, relation) do nothing;

-- name: unseen_since(schema, relation)$
-- Since when something changed that own models have not seen; where that was not noted, when something changed last.
select coalesce(min(built_at) filter (where relation = :relation), max(built_at))
from bitrix24_model_sources
where schema_name = :schema;

-- name: forget(schema, relation)!
-- As if the models above this table had never been built.
delete from bitrix24_model_sources
where schema_name = :schema and relation = :relation;

-- name: rows_of_models(schema)
-- How many rows the table of each model has.
select
    model,
    rows
from bitrix24_model_rows
where schema_name = :schema;

-- name: note_rows(schema, models, counts)!
-- So many rows they have now.
insert into bitrix24_model_rows (schema_name, model, rows)
select
    :schema,
    built.model,
    built.rows
from unnest(cast(:models as text[]), cast(:counts as bigint[])) as built (model, rows)
on conflict (schema_name, model) do update
set rows = excluded.rows;

-- name: forget_rows(schema, models)!
-- As if nobody had counted the rows of these models.
delete from bitrix24_model_rows
where schema_name = :schema and model = any(cast(:models as text[]));

-- name: forget_seen(days)!
-- What all have seen is forgotten. Models that nobody has built for so long are built anew the next time.
with abandoned as (
    delete from bitrix24_model_sources
    where relation = 'public.bitrix24_changes' and built_at < clock_timestamp() - make_interval(days => :days)
    returning state
),

kept as (
    select min(pg_snapshot_xmin(cast(split_part(state, ' ', 2) as pg_snapshot))) as first_unseen
    from bitrix24_model_sources
    where
        relation = 'public.bitrix24_changes'
        and built_at >= clock_timestamp() - make_interval(days => :days)
)

delete from bitrix24_changes
using kept
where
    bitrix24_changes.changed_in < kept.first_unseen
    or bitrix24_changes.changed_at < clock_timestamp() - make_interval(days => :days);
