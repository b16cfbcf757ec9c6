-- Connected portals, what was synced when, and the state that several processes share.

create schema if not exists analytics;
comment on schema analytics is 'SQL models built from dbt_like_sql/: what analysts and BI tools read.';

create table user_accounts (
    id uuid primary key default gen_random_uuid(),
    name text not null unique check (name ~ '^[[:alnum:]][[:alnum:]._-]{0,62}$'),
    bitrix24_domain text not null,
    bitrix24_access_token text,
    bitrix24_refresh_token text,
    bitrix24_webhook_url text,
    bitrix24_application_token text,
    bitrix24_token_expires_at timestamptz,
    bitrix24_member_id text,
    bitrix24_user_id bigint,
    bitrix24_qualification_fields jsonb not null default '[]'
        check (jsonb_typeof(bitrix24_qualification_fields) = 'array'),
    bitrix24_entity_type text not null default 'both'
        check (bitrix24_entity_type in ('lead', 'deal', 'both')),
    bitrix24_connected_at timestamptz,
    bitrix24_status text not null default 'connected'
        check (bitrix24_status in ('connected', 'reauthorization_required', 'paused', 'disconnected')),
    bitrix24_plan text not null default 'standard' check (bitrix24_plan in ('standard', 'enterprise')),
    bitrix24_time_zone text not null default 'UTC',
    created_at timestamptz not null default now()
);
comment on table user_accounts is 'One row a connected Bitrix24 portal.';
comment on column user_accounts.id is 'Our key of the portal; every other table refers to it.';
comment on column user_accounts.name is 'The portal''s name with us, and its partition key in Dagster.';
comment on column user_accounts.bitrix24_domain is 'Host of the portal, with its port where it is not the usual one. It may change; member_id does not.';
comment on column user_accounts.bitrix24_access_token is 'OAuth access token, encrypted.';
comment on column user_accounts.bitrix24_refresh_token is 'OAuth refresh token, encrypted.';
comment on column user_accounts.bitrix24_webhook_url is 'Webhook credential (URL with its secret), encrypted.';
comment on column user_accounts.bitrix24_application_token is 'Proves inbound events, encrypted.';
comment on column user_accounts.bitrix24_token_expires_at is 'When the access token ends.';
comment on column user_accounts.bitrix24_member_id is 'The portal''s own identity, 32 hexadecimal digits; known for OAuth portals.';
comment on column user_accounts.bitrix24_user_id is 'The portal user in whose name we read.';
comment on column user_accounts.bitrix24_qualification_fields is 'Up to three conditions that make a lead or deal qualified.';
comment on column user_accounts.bitrix24_entity_type is 'What this account counts as its funnel: lead, deal or both.';
comment on column user_accounts.bitrix24_connected_at is 'When the portal was connected last.';
comment on column user_accounts.bitrix24_status is 'connected, reauthorization_required, paused or disconnected.';
comment on column user_accounts.bitrix24_plan is 'Plan of the portal, which sets its request budget: standard or enterprise.';
comment on column user_accounts.bitrix24_time_zone is 'Zone of the portal''s clock (IANA name); days in the marts are days in it.';
comment on column user_accounts.created_at is 'When this row was made.';

create table bitrix24_sync_log (
    id bigint generated always as identity primary key,
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null,
    sync_type text not null check (sync_type in (
        'full', 'incremental', 'backfill', 'event', 'reconcile', 'match', 'pipelines'
    )),
    sync_status text not null check (sync_status in ('running', 'success', 'failed')),
    rows_read bigint not null default 0,
    rows_changed bigint not null default 0,
    rows_deleted bigint not null default 0,
    values_set_aside bigint not null default 0,
    requests bigint not null default 0,
    operating_seconds double precision not null default 0,
    watermark timestamptz,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    error_code text,
    error_message text,
    run_id text
);
comment on table bitrix24_sync_log is 'One row a sync of one entity of one portal.';
comment on column bitrix24_sync_log.id is 'Key.';
comment on column bitrix24_sync_log.user_account_id is 'The portal.';
comment on column bitrix24_sync_log.entity_type is 'What was read: lead, deal, contact, company, user, pipeline, stage, field, lead_history, deal_history.';
comment on column bitrix24_sync_log.sync_type is 'full, incremental, backfill, event, reconcile, match or pipelines.';
comment on column bitrix24_sync_log.sync_status is 'running, success or failed. A run that was killed stays running.';
comment on column bitrix24_sync_log.rows_read is 'Rows that the portal sent.';
comment on column bitrix24_sync_log.rows_changed is 'Rows that were new or differed from what we had.';
comment on column bitrix24_sync_log.rows_deleted is 'Rows that were found to be gone and got a tombstone.';
comment on column bitrix24_sync_log.values_set_aside is 'Values that did not fit their column and went to extra.';
comment on column bitrix24_sync_log.requests is 'HTTP requests sent.';
comment on column bitrix24_sync_log.operating_seconds is 'Run time that the portal billed, in seconds.';
comment on column bitrix24_sync_log.watermark is 'The copy is complete up to this moment of the portal''s clock.';
comment on column bitrix24_sync_log.started_at is 'Start.';
comment on column bitrix24_sync_log.finished_at is 'End; null while running or after a kill.';
comment on column bitrix24_sync_log.error_code is 'Name of the error, if it failed.';
comment on column bitrix24_sync_log.error_message is 'The error in one line, without secrets.';
comment on column bitrix24_sync_log.run_id is 'Dagster run, if it was one.';
create index bitrix24_sync_log_latest on bitrix24_sync_log (user_account_id, entity_type, id desc);

create table bitrix24_cursors (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null,
    watermark timestamptz,
    last_id bigint,
    updated_at timestamptz not null default now(),
    primary key (user_account_id, entity_type)
);
comment on table bitrix24_cursors is 'How far each entity of each portal has been read.';
comment on column bitrix24_cursors.user_account_id is 'The portal.';
comment on column bitrix24_cursors.entity_type is 'lead, deal, contact, company, lead_history or deal_history.';
comment on column bitrix24_cursors.watermark is 'Everything that was modified before this moment of the portal''s clock is in the tables.';
comment on column bitrix24_cursors.last_id is 'For append-only lists (status history): the highest id below which all is read.';
comment on column bitrix24_cursors.updated_at is 'Last change of this row.';

create table bitrix24_loads (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null,
    scope text not null,
    open_ranges int8multirange not null,
    watermark timestamptz not null,
    started_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_account_id, entity_type, scope)
);
comment on table bitrix24_loads is 'Loads under way: which id ranges are still to be read. A load that was killed goes on from here.';
comment on column bitrix24_loads.user_account_id is 'The portal.';
comment on column bitrix24_loads.entity_type is 'The entity.';
comment on column bitrix24_loads.scope is 'full, incremental, or the dates of a backfill.';
comment on column bitrix24_loads.open_ranges is 'Ids not read yet; changes in the same transaction as the rows read.';
comment on column bitrix24_loads.watermark is 'The portal''s clock when the load began, minus the lag.';
comment on column bitrix24_loads.started_at is 'When the load began.';
comment on column bitrix24_loads.updated_at is 'Last page stored.';

create table bitrix24_vanished (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null,
    scope text not null,
    id bigint not null,
    noticed_at timestamptz not null default now(),
    primary key (user_account_id, entity_type, scope, id)
);
comment on table bitrix24_vanished is 'Rows that a whole read did not show. They get a tombstone only after a second look.';
comment on column bitrix24_vanished.user_account_id is 'The portal.';
comment on column bitrix24_vanished.entity_type is 'The entity.';
comment on column bitrix24_vanished.scope is 'The load that missed it.';
comment on column bitrix24_vanished.id is 'Id of the row.';
comment on column bitrix24_vanished.noticed_at is 'When it was missed.';

create table bitrix24_budget (
    bucket text primary key,
    tat timestamptz not null,
    updated_at timestamptz not null default now()
);
comment on table bitrix24_budget is 'The request bucket of each portal and egress address, shared by all processes.';
comment on column bitrix24_budget.bucket is 'Host of the portal, and the egress label if there are several.';
comment on column bitrix24_budget.tat is 'Theoretical arrival time (GCRA): when the bucket will have run empty.';
comment on column bitrix24_budget.updated_at is 'Last request.';

create table bitrix24_operating (
    bucket text not null,
    method text not null,
    operating_seconds double precision not null default 0,
    reset_at timestamptz,
    blocked_until timestamptz,
    updated_at timestamptz not null default now(),
    primary key (bucket, method)
);
comment on table bitrix24_operating is 'The run time that each method has used of its ten-minute budget, shared by all processes.';
comment on column bitrix24_operating.bucket is 'As in bitrix24_budget.';
comment on column bitrix24_operating.method is 'REST method, in lower case; batch counts too.';
comment on column bitrix24_operating.operating_seconds is 'Seconds used, as the portal said last.';
comment on column bitrix24_operating.reset_at is 'When the oldest of them falls out.';
comment on column bitrix24_operating.blocked_until is 'The portal refuses the method until then.';
comment on column bitrix24_operating.updated_at is 'Last answer.';
