-- depends: 0007_events
-- What was proved complete, so that "0" and "not synced" differ, and whether events still arrive.

create table bitrix24_coverage (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null,
    created_from date not null,
    created_before date not null check (created_before > created_from),
    proved_by text not null check (proved_by in ('full', 'backfill', 'reconcile')),
    rows_alive bigint not null,
    proved_at timestamptz not null default now(),
    primary key (user_account_id, entity_type, created_from, created_before)
);
comment on table bitrix24_coverage is 'Coverage ledger: which days of creation of which entity were compared with the portal as a whole, and when.';
comment on column bitrix24_coverage.user_account_id is 'The portal.';
comment on column bitrix24_coverage.entity_type is 'lead, deal, contact or company.';
comment on column bitrix24_coverage.created_from is 'First day of creation in the range (portal''s zone); 0001-01-01 for all before.';
comment on column bitrix24_coverage.created_before is 'The day after the last one; 9999-12-31 for all after.';
comment on column bitrix24_coverage.proved_by is 'What proved it: a full load, a backfill of the range, or a reconciliation.';
comment on column bitrix24_coverage.rows_alive is 'Rows alive in the range then.';
comment on column bitrix24_coverage.proved_at is 'When.';

create table bitrix24_event_health (
    user_account_id uuid primary key references user_accounts on delete cascade,
    bound_events text[] not null default '{}',
    handler_url text,
    bound_at timestamptz,
    unannounced bigint not null default 0,
    silent_since timestamptz,
    checked_at timestamptz
);
comment on table bitrix24_event_health is 'Whether the events of a portal arrive.';
comment on column bitrix24_event_health.user_account_id is 'The portal.';
comment on column bitrix24_event_health.bound_events is 'Events that we have bound there; empty for outgoing webhooks, which a person makes in the portal.';
comment on column bitrix24_event_health.handler_url is 'Where they are sent to.';
comment on column bitrix24_event_health.bound_at is 'When they were bound last.';
comment on column bitrix24_event_health.unannounced is 'Changes found by polling since the last event that no event had announced.';
comment on column bitrix24_event_health.silent_since is 'When the first of those was found; null while events arrive.';
comment on column bitrix24_event_health.checked_at is 'When that was looked at last.';
