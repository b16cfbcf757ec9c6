-- depends: 0050_people_of_counted
-- Reads of portals and builds of models that people ask for on the pages, where the role of the service may do neither: Dagster
-- takes them. A row is kept for a day; nothing is lost with it.

create table bitrix24_run_requests (
    id bigint generated always as identity primary key,
    user_account_id uuid references user_accounts (id) on delete cascade,
    requested_at timestamptz not null default clock_timestamp(),
    built_at timestamptz
);
comment on table bitrix24_run_requests is 'Reads of portals and builds of models that people asked for on the pages; the sensor requested_runs of Dagster starts them. Empty where the service may do the work itself.';
comment on column bitrix24_run_requests.id is 'Grows; the sensor remembers the last one that it has seen.';
comment on column bitrix24_run_requests.user_account_id is 'The portal to be read. Null: the models are to be built, and no portal read.';
comment on column bitrix24_run_requests.requested_at is 'When somebody asked; what is older than an hour is not started any more.';
comment on column bitrix24_run_requests.built_at is 'When a build of the models had ended well that began after the request; null until then.';
