-- depends: 0006_oauth
-- Inbound events land here and nowhere else: an event that was answered 200 is a committed row of this table,
-- and the table is the queue from which they are drained.

create table bitrix24_webhook_events (
    id bigint generated always as identity primary key,
    received_at timestamptz not null default clock_timestamp(),
    member_id text not null,
    user_account_id uuid not null references user_accounts on delete cascade,
    event text not null,
    entity_type text,
    entity_id bigint,
    payload jsonb not null default '{}',
    status text not null default 'pending' check (status in ('pending', 'done', 'failed', 'ignored')),
    attempts smallint not null default 0,
    next_try_at timestamptz not null default clock_timestamp(),
    error text,
    handled_at timestamptz,
    check (status = 'pending' or handled_at is not null)
);
comment on table bitrix24_webhook_events is 'Landing table of inbound events. An event is a hint to fetch the object that it names.';
comment on column bitrix24_webhook_events.id is 'Key, in the order of landing.';
comment on column bitrix24_webhook_events.received_at is 'When it landed.';
comment on column bitrix24_webhook_events.member_id is 'The portal''s own identity, as the event says.';
comment on column bitrix24_webhook_events.user_account_id is 'The portal.';
comment on column bitrix24_webhook_events.event is 'Name of the event in upper case, e.g. ONCRMDEALUPDATE.';
comment on column bitrix24_webhook_events.entity_type is 'lead, deal, contact or company; null for others.';
comment on column bitrix24_webhook_events.entity_id is 'Id of the object; null for others.';
comment on column bitrix24_webhook_events.payload is 'The event without its tokens.';
comment on column bitrix24_webhook_events.status is 'pending, done, failed (given up after several attempts) or ignored (nothing to fetch).';
comment on column bitrix24_webhook_events.attempts is 'How often draining it has failed.';
comment on column bitrix24_webhook_events.next_try_at is 'Not drained before this moment.';
comment on column bitrix24_webhook_events.error is 'Why the last attempt failed, in one line, without secrets.';
comment on column bitrix24_webhook_events.handled_at is 'When it was done, ignored or given up.';
-- the queue: small, however many events were handled before
create index bitrix24_webhook_events_pending on bitrix24_webhook_events (next_try_at, id)
where status = 'pending';
-- replay, silence and freshness ask by portal and time
create index bitrix24_webhook_events_received on bitrix24_webhook_events (user_account_id, received_at);
