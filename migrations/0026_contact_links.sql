-- depends: 0025_model_sources_and_killed_syncs
-- All contacts of leads, deals and companies: their rows name the main one alone.

create table bitrix24_contact_links (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null check (entity_type in ('lead', 'deal', 'company')),
    entity_id bigint not null,
    contact_id bigint not null,
    sort integer,
    is_primary boolean not null,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, entity_type, entity_id, contact_id)
);
comment on table bitrix24_contact_links is 'All contacts of leads, deals and companies. A link counts while it is alive, and its contact and its owner are.';
comment on column bitrix24_contact_links.user_account_id is 'The portal.';
comment on column bitrix24_contact_links.entity_type is 'Whose contact it is: lead, deal or company.';
comment on column bitrix24_contact_links.entity_id is 'Id of the lead, deal or company.';
comment on column bitrix24_contact_links.contact_id is 'Id of the contact.';
comment on column bitrix24_contact_links.sort is 'Place in the portal''s order of the contacts: 10, 20 and so on; null where only the main contact is known.';
comment on column bitrix24_contact_links.is_primary is 'Whether it is the main contact of the lead or deal, the one in its contact_id. Companies have no main contact.';
comment on column bitrix24_contact_links.loaded_at is 'Last change of this row.';
comment on column bitrix24_contact_links.deleted_at is 'When the contact was found to be removed from its owner; null while the link is alive.';
create index bitrix24_contact_links_of_contact on bitrix24_contact_links (user_account_id, contact_id, entity_type);
create index bitrix24_contact_links_loaded on bitrix24_contact_links (loaded_at);
create index bitrix24_companies_loaded on bitrix24_companies (loaded_at);

comment on column bitrix24_bookmarks.reader is 'What reads, and which rows: phones:2, matches:deal, contact_links:lead and so on.';
