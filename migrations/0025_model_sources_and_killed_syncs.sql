-- depends: 0018_analysts
-- What the models were built from, so that a build after which nothing changed does nothing. And an index for syncs
-- that were killed.

create table bitrix24_model_sources (
    schema_name text not null,
    relation text not null,
    state text not null,
    models text not null,
    built_at timestamptz not null default clock_timestamp(),
    primary key (schema_name, relation)
);
comment on table bitrix24_model_sources is 'As of which state of each table the SQL models above it were built last.';
comment on column bitrix24_model_sources.schema_name is 'The schema of the models.';
comment on column bitrix24_model_sources.relation is 'The table, such as public.bitrix24_deals.';
comment on column bitrix24_model_sources.state is 'How the table stood: its last stamp and the rows near it, or a sum.';
comment on column bitrix24_model_sources.models is 'The sum of the text of all models: another text is built anew.';
comment on column bitrix24_model_sources.built_at is 'When they were built.';

-- syncs that were killed are looked for at each sync, in a table of millions
create index bitrix24_sync_log_running on bitrix24_sync_log (user_account_id, entity_type)
where sync_status = 'running';
