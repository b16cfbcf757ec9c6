-- depends: 0040_funnel_as_of_says_which_midnight
-- Which models of the operator's own failed when they were built last, for `b24 doctor`.

create table bitrix24_own_model_failures (
    model text primary key,
    reason text not null,
    failed_at timestamptz not null default clock_timestamp()
);
comment on table bitrix24_own_model_failures is 'Models of the operator''s own that failed when they were built last.';
comment on column bitrix24_own_model_failures.model is 'Name of the model.';
comment on column bitrix24_own_model_failures.reason is 'Why it was not built, or which of its tests failed.';
comment on column bitrix24_own_model_failures.failed_at is 'When it was.';
