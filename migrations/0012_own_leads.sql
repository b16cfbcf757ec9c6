-- depends: 0011_application_proof
-- Own ad leads beside the CRM: where they came from, and which lead, contact and deal they have become.

create table account_directions (
    id uuid primary key default gen_random_uuid(),
    user_account_id uuid not null references user_accounts on delete cascade,
    name text not null check (name != ''),
    bitrix24_entity_type text check (bitrix24_entity_type in ('lead', 'deal')),
    key_stages jsonb not null default '[]'
        check (jsonb_typeof(key_stages) = 'array' and jsonb_array_length(key_stages) <= 3),
    created_at timestamptz not null default now(),
    unique (user_account_id, name),
    unique (user_account_id, id),
    check (key_stages = '[]' or bitrix24_entity_type is not null)
);
comment on table account_directions is 'What is advertised (a product, a city): own leads are grouped by it, and each has its key stages.';
comment on column account_directions.id is 'Key.';
comment on column account_directions.user_account_id is 'The portal.';
comment on column account_directions.name is 'Its name, once in a portal.';
comment on column account_directions.bitrix24_entity_type is 'Whose stages the key stages are: lead or deal. Null where none is set.';
comment on column account_directions.key_stages is 'Up to three key stages in order: [{"category_id": 0, "status_id": "..."}].';
comment on column account_directions.created_at is 'When this row was made.';

create table creatives (
    id uuid primary key default gen_random_uuid(),
    user_account_id uuid not null references user_accounts on delete cascade,
    direction_id uuid,
    name text not null check (name != ''),
    created_at timestamptz not null default now(),
    unique (user_account_id, name),
    unique (user_account_id, id),
    foreign key (user_account_id, direction_id)
    references account_directions (user_account_id, id) on delete set null (direction_id)
);
comment on table creatives is 'Ad creatives that own leads came from.';
comment on column creatives.id is 'Key.';
comment on column creatives.user_account_id is 'The portal.';
comment on column creatives.direction_id is 'The direction that it advertises.';
comment on column creatives.name is 'Its name, once in a portal.';
comment on column creatives.created_at is 'When this row was made.';
create index creatives_direction on creatives (direction_id);

create table leads (
    id uuid primary key default gen_random_uuid(),
    user_account_id uuid not null references user_accounts on delete cascade,
    import_key text,
    name text,
    phone text,
    email text,
    phones text[] not null default '{}',
    phones_of text,
    creative_id uuid,
    direction_id uuid,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    utm_term text,
    created_at timestamptz not null default now(),
    current_status_id text,
    current_pipeline_id bigint,
    is_qualified boolean not null default false,
    bitrix24_lead_id bigint,
    bitrix24_contact_id bigint,
    bitrix24_deal_id bigint,
    bitrix24_entity_type text check (bitrix24_entity_type in ('lead', 'deal')),
    loaded_at timestamptz not null default clock_timestamp(),
    unique (user_account_id, import_key),
    unique (user_account_id, id),
    foreign key (user_account_id, creative_id)
    references creatives (user_account_id, id) on delete set null (creative_id),
    foreign key (user_account_id, direction_id)
    references account_directions (user_account_id, id) on delete set null (direction_id)
);
comment on table leads is 'Own ad leads: who left a phone in an advertisement, and what the CRM has made of it.';
comment on column leads.id is 'Key.';
comment on column leads.user_account_id is 'The portal.';
comment on column leads.import_key is 'What makes it the same lead when a file is imported again: its id in the ad system, else a digest of its own values.';
comment on column leads.name is 'Name that the person gave.';
comment on column leads.phone is 'Phone as the person wrote it.';
comment on column leads.email is 'E-mail that the person gave.';
comment on column leads.phones is 'The phones in it, in E.164.';
comment on column leads.phones_of is 'The text that phones were read from: where it is not phone, they are read again.';
comment on column leads.creative_id is 'The creative that brought it.';
comment on column leads.direction_id is 'The direction that it belongs to; the creative''s own where the import named none.';
comment on column leads.utm_source is 'utm_source of the advertisement.';
comment on column leads.utm_medium is 'utm_medium of the advertisement.';
comment on column leads.utm_campaign is 'utm_campaign of the advertisement.';
comment on column leads.utm_content is 'utm_content of the advertisement.';
comment on column leads.utm_term is 'utm_term of the advertisement.';
comment on column leads.created_at is 'When the person left it; the time of the import where that was not given.';
comment on column leads.current_status_id is 'Stage where its deal or lead stands in the CRM now.';
comment on column leads.current_pipeline_id is 'Pipeline of that stage; 0 for leads.';
comment on column leads.is_qualified is 'Whether its lead or deal fulfils the portal''s conditions of qualification.';
comment on column leads.bitrix24_lead_id is 'The CRM lead that it has become.';
comment on column leads.bitrix24_contact_id is 'The CRM contact that it has become.';
comment on column leads.bitrix24_deal_id is 'The CRM deal that it has become: one at most.';
comment on column leads.bitrix24_entity_type is 'Whose stage current_status_id is: lead or deal.';
comment on column leads.loaded_at is 'Last change of this row.';
create index leads_created on leads (user_account_id, created_at);
create index leads_creative on leads (creative_id);
create index leads_direction on leads (direction_id);
create index leads_phones on leads using gin (phones);
create index leads_crm_lead on leads (user_account_id, bitrix24_lead_id) where bitrix24_lead_id is not null;
create index leads_crm_deal on leads (user_account_id, bitrix24_deal_id) where bitrix24_deal_id is not null;
create index leads_loaded on leads (loaded_at);

create table bitrix24_phones (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null check (entity_type in ('lead', 'contact')),
    entity_id bigint not null,
    phone text not null,
    primary key (user_account_id, phone, entity_type, entity_id)
);
comment on table bitrix24_phones is 'Every phone of the CRM''s leads and contacts in E.164, for matching. Follows the copy.';
comment on column bitrix24_phones.user_account_id is 'The portal.';
comment on column bitrix24_phones.entity_type is 'Whose phone it is: lead or contact.';
comment on column bitrix24_phones.entity_id is 'Id of the lead or contact.';
comment on column bitrix24_phones.phone is 'The phone in E.164: +79211234567.';
create index bitrix24_phones_entity on bitrix24_phones (user_account_id, entity_type, entity_id);

create table bitrix24_bookmarks (
    user_account_id uuid not null references user_accounts on delete cascade,
    reader text not null,
    loaded_upto timestamptz not null,
    updated_at timestamptz not null default now(),
    primary key (user_account_id, reader)
);
comment on table bitrix24_bookmarks is 'How far what follows the copy (phones, matches, qualification) has read its rows.';
comment on column bitrix24_bookmarks.user_account_id is 'The portal.';
comment on column bitrix24_bookmarks.reader is 'What reads, and which rows: phones:lead, phones:contact, qualification:deal and so on.';
comment on column bitrix24_bookmarks.loaded_upto is 'It has seen every row of the copy that was stamped (loaded_at) and committed before this moment.';
comment on column bitrix24_bookmarks.updated_at is 'Last change of this row.';

create table lead_matches (
    lead_id uuid primary key,
    user_account_id uuid not null,
    method text check (method in ('lead_phone', 'contact_phone', 'portal_lead', 'portal_contact')),
    matched_phone text,
    bitrix24_lead_id bigint,
    bitrix24_contact_id bigint,
    bitrix24_deal_id bigint,
    candidates jsonb not null default '[]',
    chosen_because text,
    unmatched_reason text check (unmatched_reason in ('no_phone', 'invalid_phone', 'not_found')),
    asked_portal_at timestamptz,
    matched_at timestamptz,
    updated_at timestamptz not null default clock_timestamp(),
    foreign key (user_account_id, lead_id) references leads (user_account_id, id) on delete cascade,
    check ((method is null) = (matched_at is null))
);
comment on table lead_matches is 'How each own lead was matched to the CRM, what else could have been chosen, and why it was not matched.';
comment on column lead_matches.lead_id is 'The own lead.';
comment on column lead_matches.user_account_id is 'The portal.';
comment on column lead_matches.method is 'lead_phone and contact_phone: by a phone in our copy; portal_lead and portal_contact: by the portal''s own search. Null where nothing matched.';
comment on column lead_matches.matched_phone is 'The phone that both have, in E.164.';
comment on column lead_matches.bitrix24_lead_id is 'The CRM lead chosen.';
comment on column lead_matches.bitrix24_contact_id is 'The CRM contact chosen.';
comment on column lead_matches.bitrix24_deal_id is 'The CRM deal chosen: one at most.';
comment on column lead_matches.candidates is 'Everything that has the phone: [{"type": "deal", "id": 1}].';
comment on column lead_matches.chosen_because is 'Why this one: newest_open_deal, newest_deal, deal_of_lead, newest_lead, only_contact.';
comment on column lead_matches.unmatched_reason is 'no_phone, invalid_phone or not_found; null where it matched.';
comment on column lead_matches.asked_portal_at is 'When the portal was searched for it last.';
comment on column lead_matches.matched_at is 'When it was matched first.';
comment on column lead_matches.updated_at is 'Last change of this row.';
create index lead_matches_account on lead_matches (user_account_id);
