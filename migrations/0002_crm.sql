-- depends: 0001_portals_and_sync
-- The CRM as it is. Names follow Bitrix24's own fields in lower snake case.

create table bitrix24_users (
    user_account_id uuid not null references user_accounts on delete cascade,
    id bigint not null,
    active boolean,
    name text,
    second_name text,
    last_name text,
    email text,
    work_position text,
    user_type text,
    uf_department jsonb,
    custom_fields jsonb not null default '{}',
    extra jsonb not null default '{}',
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, id)
);
comment on table bitrix24_users is 'Users of the portal; dismissed ones stay with active = false (user.get).';

create table bitrix24_fields (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null,
    field_name text not null,
    field_type text,
    label text,
    is_multiple boolean,
    is_required boolean,
    is_read_only boolean,
    is_custom boolean not null default false,
    status_type text,
    enumeration_values jsonb not null default '[]',
    portal_field_id bigint,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, entity_type, field_name)
);
comment on table bitrix24_fields is 'The field catalogue of each entity (crm.*.fields and crm.*.userfield.list).';

create table bitrix24_statuses (
    user_account_id uuid not null references user_accounts on delete cascade,
    directory text not null,
    status_id text not null,
    name text,
    sort bigint,
    color text,
    semantics text,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, directory, status_id)
);
comment on table bitrix24_statuses is 'All CRM directories as crm.status.list gives them: sources, deal types, honorifics, and the stages.';

create table bitrix24_pipelines (
    id uuid primary key default gen_random_uuid(),
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null check (entity_type in ('lead', 'deal')),
    category_id bigint not null,
    name text,
    sort bigint,
    is_default boolean,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    unique (user_account_id, entity_type, category_id)
);
comment on table bitrix24_pipelines is 'Pipelines of deals; leads have the one pipeline 0.';

create table bitrix24_pipeline_stages (
    id uuid primary key default gen_random_uuid(),
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null check (entity_type in ('lead', 'deal')),
    category_id bigint not null,
    category_name text,
    status_id text not null,
    status_name text,
    status_color text,
    status_sort bigint,
    status_semantics text not null check (status_semantics in ('process', 'success', 'failure')),
    is_qualified_stage boolean not null default false,
    is_success_stage boolean not null default false,
    is_fail_stage boolean not null default false,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    unique (user_account_id, entity_type, category_id, status_id)
);
comment on table bitrix24_pipeline_stages is 'Stages of each pipeline. The three flags are the user''s: a sync sets them once, when the stage appears.';

create table bitrix24_leads (
    user_account_id uuid not null references user_accounts on delete cascade,
    id bigint not null,
    title text,
    honorific text,
    name text,
    second_name text,
    last_name text,
    company_title text,
    post text,
    birthdate date,
    source_id text,
    source_description text,
    status_id text,
    status_description text,
    status_semantic_id text,
    opportunity numeric,
    currency_id text,
    is_manual_opportunity boolean,
    has_phone boolean,
    has_email boolean,
    has_imol boolean,
    opened boolean,
    comments text,
    assigned_by_id bigint,
    created_by_id bigint,
    modify_by_id bigint,
    moved_by_id bigint,
    last_activity_by bigint,
    date_create timestamptz,
    date_modify timestamptz,
    date_closed timestamptz,
    moved_time timestamptz,
    last_activity_time timestamptz,
    company_id bigint,
    contact_id bigint,
    is_return_customer boolean,
    address text,
    address_2 text,
    address_city text,
    address_postal_code text,
    address_region text,
    address_province text,
    address_country text,
    address_country_code text,
    address_loc_addr_id bigint,
    originator_id text,
    origin_id text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    utm_term text,
    phones jsonb,
    emails jsonb,
    webs jsonb,
    ims jsonb,
    links jsonb,
    custom_fields jsonb not null default '{}',
    extra jsonb not null default '{}',
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, id)
);
comment on table bitrix24_leads is 'Leads as they are in the portal (crm.lead.list).';

create table bitrix24_deals (
    user_account_id uuid not null references user_accounts on delete cascade,
    id bigint not null,
    title text,
    type_id text,
    category_id bigint,
    stage_id text,
    stage_semantic_id text,
    is_new boolean,
    is_recurring boolean,
    is_return_customer boolean,
    is_repeated_approach boolean,
    probability bigint,
    opportunity numeric,
    currency_id text,
    is_manual_opportunity boolean,
    tax_value numeric,
    lead_id bigint,
    contact_id bigint,
    company_id bigint,
    quote_id bigint,
    begindate date,
    closedate date,
    closed boolean,
    opened boolean,
    comments text,
    source_id text,
    source_description text,
    additional_info text,
    location_id text,
    assigned_by_id bigint,
    created_by_id bigint,
    modify_by_id bigint,
    moved_by_id bigint,
    last_activity_by bigint,
    date_create timestamptz,
    date_modify timestamptz,
    moved_time timestamptz,
    last_activity_time timestamptz,
    originator_id text,
    origin_id text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    utm_term text,
    custom_fields jsonb not null default '{}',
    extra jsonb not null default '{}',
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, id)
);
comment on table bitrix24_deals is 'Deals as they are in the portal (crm.deal.list).';

create table bitrix24_contacts (
    user_account_id uuid not null references user_accounts on delete cascade,
    id bigint not null,
    honorific text,
    name text,
    second_name text,
    last_name text,
    photo jsonb,
    post text,
    birthdate date,
    type_id text,
    source_id text,
    source_description text,
    comments text,
    opened boolean,
    export boolean,
    has_phone boolean,
    has_email boolean,
    has_imol boolean,
    assigned_by_id bigint,
    created_by_id bigint,
    modify_by_id bigint,
    last_activity_by bigint,
    date_create timestamptz,
    date_modify timestamptz,
    last_activity_time timestamptz,
    company_id bigint,
    lead_id bigint,
    address text,
    address_2 text,
    address_city text,
    address_postal_code text,
    address_region text,
    address_province text,
    address_country text,
    address_country_code text,
    address_loc_addr_id bigint,
    originator_id text,
    origin_id text,
    origin_version text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    utm_term text,
    phones jsonb,
    emails jsonb,
    webs jsonb,
    ims jsonb,
    links jsonb,
    custom_fields jsonb not null default '{}',
    extra jsonb not null default '{}',
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, id)
);
comment on table bitrix24_contacts is 'Contacts as they are in the portal (crm.contact.list).';

create table bitrix24_companies (
    user_account_id uuid not null references user_accounts on delete cascade,
    id bigint not null,
    title text,
    company_type text,
    logo jsonb,
    industry text,
    employees text,
    currency_id text,
    revenue numeric,
    banking_details text,
    comments text,
    opened boolean,
    is_my_company boolean,
    has_phone boolean,
    has_email boolean,
    has_imol boolean,
    assigned_by_id bigint,
    created_by_id bigint,
    modify_by_id bigint,
    last_activity_by bigint,
    date_create timestamptz,
    date_modify timestamptz,
    last_activity_time timestamptz,
    last_communication_time text,
    lead_id bigint,
    address text,
    address_2 text,
    address_city text,
    address_postal_code text,
    address_region text,
    address_province text,
    address_country text,
    address_country_code text,
    address_loc_addr_id bigint,
    address_legal text,
    reg_address text,
    reg_address_2 text,
    reg_address_city text,
    reg_address_postal_code text,
    reg_address_region text,
    reg_address_province text,
    reg_address_country text,
    reg_address_country_code text,
    reg_address_loc_addr_id bigint,
    originator_id text,
    origin_id text,
    origin_version text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    utm_term text,
    phones jsonb,
    emails jsonb,
    webs jsonb,
    ims jsonb,
    links jsonb,
    custom_fields jsonb not null default '{}',
    extra jsonb not null default '{}',
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, id)
);
comment on table bitrix24_companies is 'Companies as they are in the portal (crm.company.list).';

create table bitrix24_status_history (
    id bigint generated always as identity primary key,
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null check (entity_type in ('lead', 'deal')),
    history_id bigint,
    bitrix24_lead_id bigint,
    bitrix24_deal_id bigint,
    from_status_id text,
    to_status_id text not null,
    from_category_id bigint,
    to_category_id bigint not null,
    type_id smallint,
    changed_at timestamptz not null,
    source text not null check (source in ('history', 'event', 'inferred')),
    entity_id bigint generated always as (coalesce(bitrix24_lead_id, bitrix24_deal_id)) stored,
    is_linked boolean not null default false,
    loaded_at timestamptz not null default clock_timestamp(),
    -- a move is of a lead or of a deal, never of both or none
    check (entity_type = case when bitrix24_lead_id is not null then 'lead' else 'deal' end),
    check (num_nonnulls(bitrix24_lead_id, bitrix24_deal_id) = 1),
    check ((source = 'history') = (history_id is not null))
);
comment on table bitrix24_status_history is 'Every move of a lead or deal that is known. Nothing is ever deleted from it.';
comment on column bitrix24_status_history.id is 'Key.';
comment on column bitrix24_status_history.user_account_id is 'The portal.';
comment on column bitrix24_status_history.entity_type is 'lead or deal.';
comment on column bitrix24_status_history.history_id is 'Id in crm.stagehistory.list; null where the move was not read from there.';
comment on column bitrix24_status_history.bitrix24_lead_id is 'The lead that moved.';
comment on column bitrix24_status_history.bitrix24_deal_id is 'The deal that moved.';
comment on column bitrix24_status_history.from_status_id is 'Stage before, as far as it is known.';
comment on column bitrix24_status_history.to_status_id is 'Stage after.';
comment on column bitrix24_status_history.from_category_id is 'Pipeline before, as far as it is known.';
comment on column bitrix24_status_history.to_category_id is 'Pipeline after; 0 for leads.';
comment on column bitrix24_status_history.type_id is '1 created, 2 to an intermediate stage, 3 to a final stage, 5 pipeline changed.';
comment on column bitrix24_status_history.changed_at is 'When it moved.';
comment on column bitrix24_status_history.source is 'history: read from the portal; event: seen by an event; inferred: the entity stood elsewhere than its last known move.';
comment on column bitrix24_status_history.entity_id is 'Id of the lead or deal.';
comment on column bitrix24_status_history.is_linked is 'Whether from_status_id and from_category_id have been derived.';
comment on column bitrix24_status_history.loaded_at is 'When this row was stored or its derived columns changed.';

create unique index bitrix24_status_history_read
on bitrix24_status_history (user_account_id, entity_type, history_id) where history_id is not null;
create unique index bitrix24_status_history_derived
on bitrix24_status_history (user_account_id, entity_type, entity_id, changed_at, to_category_id, to_status_id)
where history_id is null;
create index bitrix24_status_history_of_entity
on bitrix24_status_history (user_account_id, entity_type, entity_id, changed_at);
create index bitrix24_status_history_unlinked
on bitrix24_status_history (user_account_id, entity_type) where not is_linked;
create index bitrix24_status_history_loaded on bitrix24_status_history (loaded_at);

create index bitrix24_leads_created on bitrix24_leads (user_account_id, date_create);
create index bitrix24_leads_loaded on bitrix24_leads (loaded_at);
create index bitrix24_deals_created on bitrix24_deals (user_account_id, date_create);
create index bitrix24_deals_loaded on bitrix24_deals (loaded_at);
create index bitrix24_deals_of_lead on bitrix24_deals (user_account_id, lead_id) where lead_id is not null;
create index bitrix24_deals_of_contact on bitrix24_deals (user_account_id, contact_id) where contact_id is not null;
create index bitrix24_contacts_created on bitrix24_contacts (user_account_id, date_create);
create index bitrix24_companies_created on bitrix24_companies (user_account_id, date_create);

create view bitrix24_positions as
select
    user_account_id,
    'lead' as entity_type,
    id as entity_id,
    0::bigint as category_id,
    status_id,
    status_semantic_id as semantic_id,
    coalesce(moved_time, date_modify, date_create) as moved_at,
    loaded_at
from bitrix24_leads
where deleted_at is null and status_id is not null
union all
select
    user_account_id,
    'deal' as entity_type,
    id as entity_id,
    category_id,
    stage_id as status_id,
    stage_semantic_id as semantic_id,
    coalesce(moved_time, date_modify, date_create) as moved_at,
    loaded_at
from bitrix24_deals
-- templates of recurring deals do not move
where deleted_at is null and stage_id is not null and category_id is not null and is_recurring is not true;
comment on view bitrix24_positions is 'Where each lead and deal alive stands now, whatever its history says.';
comment on column bitrix24_positions.user_account_id is 'The portal.';
comment on column bitrix24_positions.entity_type is 'lead or deal.';
comment on column bitrix24_positions.entity_id is 'Id of the lead or deal.';
comment on column bitrix24_positions.category_id is 'Its pipeline; 0 for leads.';
comment on column bitrix24_positions.status_id is 'Its stage.';
comment on column bitrix24_positions.semantic_id is 'P in progress, S won, F lost.';
comment on column bitrix24_positions.moved_at is 'When it came there, as far as the portal says: MOVED_TIME, else the last change.';
comment on column bitrix24_positions.loaded_at is 'When its row was stored or changed last.';
