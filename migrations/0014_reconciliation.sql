-- depends: 0013_qualification
-- Our figures beside the portal's own, stage by stage, after each sync.

create table reconciliation (
    id bigint generated always as identity primary key,
    user_account_id uuid not null references user_accounts on delete cascade,
    checked_at timestamptz not null default now(),
    entity_type text not null check (entity_type in ('lead', 'deal')),
    category_id bigint not null,
    status_id text not null,
    portal_count bigint not null,
    our_count bigint not null,
    portal_amounts jsonb,
    our_amounts jsonb,
    missing_ids bigint[] not null default '{}',
    surplus_ids bigint[] not null default '{}',
    differing_ids bigint[] not null default '{}',
    is_equal boolean not null,
    explanation text
);
comment on table reconciliation is 'One row a check and stage: what the live portal counts beside what we count. Kept for 30 days.';
comment on column reconciliation.id is 'Key.';
comment on column reconciliation.user_account_id is 'The portal.';
comment on column reconciliation.checked_at is 'When both sides were counted; the same for all rows of a check.';
comment on column reconciliation.entity_type is 'lead or deal.';
comment on column reconciliation.category_id is 'The pipeline.';
comment on column reconciliation.status_id is 'The stage.';
comment on column reconciliation.portal_count is 'How many the portal has in it.';
comment on column reconciliation.our_count is 'How many we have in it.';
comment on column reconciliation.portal_amounts is 'Sum by currency in the portal; null where only counts were compared.';
comment on column reconciliation.our_amounts is 'Sum by currency with us; null where only counts were compared.';
comment on column reconciliation.missing_ids is 'Ids that the portal has in this stage and we have not.';
comment on column reconciliation.surplus_ids is 'Ids that we have in this stage and the portal has not.';
comment on column reconciliation.differing_ids is 'Ids that both have, with another amount or currency.';
comment on column reconciliation.is_equal is 'Whether both sides are the same.';
comment on column reconciliation.explanation is 'What the difference comes from, in words.';
create index reconciliation_checked on reconciliation (user_account_id, checked_at desc);
