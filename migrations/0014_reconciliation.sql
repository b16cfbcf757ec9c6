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
    rows_compared bigint not null default 0,
    is_equal boolean not null,
    is_explained boolean not null,
    is_repaired boolean not null default false,
    explanation text
);
comment on table reconciliation is
'One row a check and stage: what the live portal counts beside what we count. Deals that are templates of recurring ones count on neither side. Kept for 30 days.';
comment on column reconciliation.id is 'Key.';
comment on column reconciliation.user_account_id is 'The portal.';
comment on column reconciliation.checked_at is 'When our side was counted, right after the portal''s; the same for all rows of a check.';
comment on column reconciliation.entity_type is 'lead or deal.';
comment on column reconciliation.category_id is 'The pipeline.';
comment on column reconciliation.status_id is 'The stage.';
comment on column reconciliation.portal_count is 'How many the portal has in it.';
comment on column reconciliation.our_count is 'How many we have in it.';
comment on column reconciliation.portal_amounts is
'Sum by currency in the portal. The portal counts but does not sum, so there is one only where every row of the stage was read in this check: always with at most 50 rows, of larger stages by turns. Null where only counts, or counts and some rows, were compared.';
comment on column reconciliation.our_amounts is 'Sum by currency with us; null where that of the portal is.';
comment on column reconciliation.missing_ids is
'Ids that the portal has in this stage and we had not; what was changed there since the sync is left out, here and in the next two.';
comment on column reconciliation.surplus_ids is 'Ids that we had in this stage and the portal has not: moved, or deleted there.';
comment on column reconciliation.differing_ids is 'Ids that both have in this stage, with another amount or currency.';
comment on column reconciliation.rows_compared is
'How many rows of the portal were compared one by one in this check, stage, amount and currency; the others were counted only. Large stages are read in parts, the longest unread first, so that in time each row is.';
comment on column reconciliation.is_equal is 'Whether both sides have the same count, and as far as rows were compared the same rows and amounts.';
comment on column reconciliation.is_explained is
'Whether nothing is wrong: both sides are equal, or what differs was changed in the portal after the sync had begun.';
comment on column reconciliation.is_repaired is
'Whether everything that was wrong was fetched and stored, or marked as deleted, right after the check.';
comment on column reconciliation.explanation is 'What the difference comes from, in words; null where there is none.';
create index reconciliation_checked on reconciliation (user_account_id, checked_at desc);

create table reconciliation_turns (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null check (entity_type in ('lead', 'deal')),
    category_id bigint not null,
    status_id text not null,
    read_upto bigint not null,
    read_at timestamptz not null default now(),
    primary key (user_account_id, entity_type, category_id, status_id)
);
comment on table reconciliation_turns is
'Of stages with more rows than a check reads: how far they were compared row by row, and when. The longest unread comes first.';
comment on column reconciliation_turns.user_account_id is 'The portal.';
comment on column reconciliation_turns.entity_type is 'lead or deal.';
comment on column reconciliation_turns.category_id is 'The pipeline.';
comment on column reconciliation_turns.status_id is 'The stage.';
comment on column reconciliation_turns.read_upto is 'Rows with ids up to this one were compared in this round; 0 where a round has ended.';
comment on column reconciliation_turns.read_at is 'When rows of it were compared last.';

create view bitrix24_standing as
select
    user_account_id,
    'lead' as entity_type,
    id,
    0::bigint as category_id,
    coalesce(status_id, '') as status_id,
    opportunity,
    currency_id,
    date_modify
from bitrix24_leads
where deleted_at is null
union all
select
    user_account_id,
    'deal' as entity_type,
    id,
    coalesce(category_id, 0) as category_id,
    coalesce(stage_id, '') as status_id,
    opportunity,
    currency_id,
    date_modify
from bitrix24_deals
-- a recurring deal is the template of deals to come and stands in no pipeline
where deleted_at is null and is_recurring is not true;
comment on view bitrix24_standing is
'Where each lead and deal alive stands, and with what amount: what is compared with the portal stage by stage.';
comment on column bitrix24_standing.user_account_id is 'The portal.';
comment on column bitrix24_standing.entity_type is 'lead or deal.';
comment on column bitrix24_standing.id is 'The portal''s number of the lead or deal.';
comment on column bitrix24_standing.category_id is 'The pipeline; 0 for leads.';
comment on column bitrix24_standing.status_id is 'The stage; empty where the portal gave none.';
comment on column bitrix24_standing.opportunity is 'Amount.';
comment on column bitrix24_standing.currency_id is 'Its currency.';
comment on column bitrix24_standing.date_modify is 'When it was last changed in the portal.';

comment on column bitrix24_sync_log.entity_type is
'What was read: lead, deal, contact, company, user, pipeline, stage, field, lead_history, deal_history; agreement for the comparison of stages.';
