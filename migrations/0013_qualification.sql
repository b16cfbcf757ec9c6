-- depends: 0012_own_leads
-- Who is or was qualified by the portal's conditions, and since when: the portal does not tell when a
-- field was filled, so it is kept from the moment that we saw it.

create table bitrix24_qualification (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null check (entity_type in ('lead', 'deal')),
    entity_id bigint not null,
    is_qualified boolean not null,
    matched_field text,
    first_qualified_at timestamptz,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (user_account_id, entity_type, entity_id),
    check (not is_qualified or matched_field is not null),
    check ((matched_field is null) = (first_qualified_at is null))
);
comment on table bitrix24_qualification is 'Leads and deals that fulfil a condition of bitrix24_qualification_fields, or once did. A row is never deleted, so that what is built on top sees every change by loaded_at.';
comment on column bitrix24_qualification.user_account_id is 'The portal.';
comment on column bitrix24_qualification.entity_type is 'lead or deal.';
comment on column bitrix24_qualification.entity_id is 'Id of the lead or deal.';
comment on column bitrix24_qualification.is_qualified is 'Whether it is alive and fulfils one now.';
comment on column bitrix24_qualification.matched_field is 'The field of the first condition that it fulfils or last fulfilled; null where it never fulfilled one of the present conditions.';
comment on column bitrix24_qualification.first_qualified_at is 'When it, or its contact for a condition about contacts, was last modified before we first saw it fulfil one of the present conditions. Null where it never did.';
comment on column bitrix24_qualification.loaded_at is 'Last change of this row.';
create index bitrix24_qualification_loaded on bitrix24_qualification (loaded_at);

alter table bitrix24_bookmarks add column conditions jsonb;
comment on column bitrix24_bookmarks.conditions is 'For qualification: the conditions that it was evaluated by. Where the portal has others now, everything is evaluated anew.';
