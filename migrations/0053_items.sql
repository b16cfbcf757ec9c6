-- depends: 0052_standing_indexes
-- Smart processes, smart invoices and quotes: what crm.item.list tells beyond leads, deals, contacts and companies.
-- Which of them are read is chosen for each portal; nothing is at first.

create table bitrix24_smart_types (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type_id integer not null,
    entity_type text not null generated always as ('item_' || entity_type_id::text) stored,
    id bigint,
    title text,
    code text,
    custom_section_id bigint,
    switches jsonb not null default '{}',
    created_time timestamptz,
    updated_time timestamptz,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, entity_type_id)
);
comment on table bitrix24_smart_types is 'Smart processes of a portal (crm.type.list; crm.enum.ownertype where that is refused), read or not.';
comment on column bitrix24_smart_types.user_account_id is 'The portal.';
comment on column bitrix24_smart_types.entity_type_id is 'Number of the process in crm.item.list, crm.category.list and the events of its items.';
comment on column bitrix24_smart_types.entity_type is 'Name of its items with us, such as item_156.';
comment on column bitrix24_smart_types.id is 'Id of the type''s own record, which custom fields and events of the type go by. Null where the portal tells it to administrators alone.';
comment on column bitrix24_smart_types.title is 'Name in the portal.';
comment on column bitrix24_smart_types.code is 'Code that an administrator gave it.';
comment on column bitrix24_smart_types.custom_section_id is 'Digital workplace that it belongs to.';
comment on column bitrix24_smart_types.switches is 'What is switched on for it, Y or N, by the portal''s own names: isStagesEnabled, isClientEnabled and so on. They decide which fields its items have.';
comment on column bitrix24_smart_types.created_time is 'Created.';
comment on column bitrix24_smart_types.updated_time is 'Changed last.';
comment on column bitrix24_smart_types.loaded_at is 'When this row was stored or changed last.';
comment on column bitrix24_smart_types.deleted_at is 'When the portal was found not to have it any more; null while it is there.';

create table bitrix24_chosen_entities (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null check (entity_type in ('invoice', 'quote') or entity_type ~ '^item_[1-9][0-9]{0,8}$'),
    chosen_at timestamptz not null default clock_timestamp(),
    primary key (user_account_id, entity_type)
);
comment on table bitrix24_chosen_entities is 'Which entities of a portal are read beside leads, deals, contacts, companies and users.';
comment on column bitrix24_chosen_entities.user_account_id is 'The portal.';
comment on column bitrix24_chosen_entities.entity_type is 'invoice, quote, or a smart process such as item_156.';
comment on column bitrix24_chosen_entities.chosen_at is 'When it was chosen.';

create table bitrix24_items (
    user_account_id uuid not null references user_accounts on delete cascade,
    entity_type text not null,
    entity_type_id integer not null,
    id bigint not null,
    title text,
    xml_id text,
    category_id bigint,
    stage_id text,
    previous_stage_id text,
    opportunity numeric,
    tax_value numeric,
    currency_id text,
    is_manual_opportunity boolean,
    account_number text,
    quote_number text,
    company_id bigint,
    contact_id bigint,
    contact_ids jsonb,
    mycompany_id bigint,
    lead_id bigint,
    deal_id bigint,
    source_id text,
    source_description text,
    begindate date,
    closedate date,
    actual_date date,
    closed boolean,
    comments text,
    content text,
    terms text,
    location_id text,
    opened boolean,
    webform_id bigint,
    observers jsonb,
    assigned_by_id bigint,
    created_by_id bigint,
    modify_by_id bigint,
    moved_by_id bigint,
    last_activity_by bigint,
    date_create timestamptz,
    date_modify timestamptz,
    moved_time timestamptz,
    last_activity_time timestamptz,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    utm_term text,
    parents jsonb not null default '{}',
    custom_fields jsonb not null default '{}',
    extra jsonb not null default '{}',
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, entity_type, id),
    check (
        entity_type = case entity_type_id when 7 then 'quote' when 31 then 'invoice' else 'item_' || entity_type_id::text end
    ),
    -- lets the planner pass this table over where it looks for leads or deals in bitrix24_positions
    check (entity_type != 'lead' and entity_type != 'deal')
);
comment on table bitrix24_items is 'Items of smart processes, smart invoices and quotes as they are in the portal (crm.item.list), as far as they were chosen.';
comment on column bitrix24_items.user_account_id is 'The portal.';
comment on column bitrix24_items.entity_type is 'invoice, quote, or the smart process, such as item_156.';
comment on column bitrix24_items.entity_type_id is 'Number of the entity type in the portal: 31 for invoices, 7 for quotes.';
comment on column bitrix24_items.id is 'Id in the portal, its own count for each entity type.';
comment on column bitrix24_items.title is 'Title.';
comment on column bitrix24_items.xml_id is 'Id in another system.';
comment on column bitrix24_items.category_id is 'Pipeline; 0 for quotes, which have one. Null where the smart process has none.';
comment on column bitrix24_items.stage_id is 'Stage. Null where the smart process has none.';
comment on column bitrix24_items.previous_stage_id is 'Stage before.';
comment on column bitrix24_items.opportunity is 'Amount.';
comment on column bitrix24_items.tax_value is 'Tax.';
comment on column bitrix24_items.currency_id is 'Currency of the amount.';
comment on column bitrix24_items.is_manual_opportunity is 'Whether the amount was typed and not summed up from products.';
comment on column bitrix24_items.account_number is 'Number of an invoice.';
comment on column bitrix24_items.quote_number is 'Number of a quote.';
comment on column bitrix24_items.company_id is 'Company of the client.';
comment on column bitrix24_items.contact_id is 'Main contact of the client.';
comment on column bitrix24_items.contact_ids is 'All contacts of the client, a list of ids.';
comment on column bitrix24_items.mycompany_id is 'Own company.';
comment on column bitrix24_items.lead_id is 'Lead of a quote.';
comment on column bitrix24_items.deal_id is 'Deal of a quote.';
comment on column bitrix24_items.source_id is 'Source (directory SOURCE).';
comment on column bitrix24_items.source_description is 'More about the source.';
comment on column bitrix24_items.begindate is 'Begin.';
comment on column bitrix24_items.closedate is 'End: of an invoice the day until which it is to be paid.';
comment on column bitrix24_items.actual_date is 'Day until which a quote is good.';
comment on column bitrix24_items.closed is 'Whether a quote is closed.';
comment on column bitrix24_items.comments is 'Comment.';
comment on column bitrix24_items.content is 'Content of a quote.';
comment on column bitrix24_items.terms is 'Terms of a quote.';
comment on column bitrix24_items.location_id is 'Place.';
comment on column bitrix24_items.opened is 'Whether everybody may see it.';
comment on column bitrix24_items.webform_id is 'Web form that it came by.';
comment on column bitrix24_items.observers is 'Observers, a list of users.';
comment on column bitrix24_items.assigned_by_id is 'User who is responsible.';
comment on column bitrix24_items.created_by_id is 'User who created it.';
comment on column bitrix24_items.modify_by_id is 'User who changed it last.';
comment on column bitrix24_items.moved_by_id is 'User who moved it last.';
comment on column bitrix24_items.last_activity_by is 'User of the last activity.';
comment on column bitrix24_items.date_create is 'Created.';
comment on column bitrix24_items.date_modify is 'Changed last.';
comment on column bitrix24_items.moved_time is 'Moved last.';
comment on column bitrix24_items.last_activity_time is 'Last activity.';
comment on column bitrix24_items.utm_source is 'Advertising: system.';
comment on column bitrix24_items.utm_medium is 'Advertising: type of traffic.';
comment on column bitrix24_items.utm_campaign is 'Advertising: campaign.';
comment on column bitrix24_items.utm_content is 'Advertising: creative.';
comment on column bitrix24_items.utm_term is 'Advertising: search term.';
comment on column bitrix24_items.parents is 'What it is bound to: the id by the number of the entity type, such as {"2": 15} for deal 15.';
comment on column bitrix24_items.custom_fields is 'Custom fields by their own names (UF_*).';
comment on column bitrix24_items.extra is 'Fields that we do not know, and values that did not fit their column.';
comment on column bitrix24_items.loaded_at is 'When this row was stored or changed last.';
comment on column bitrix24_items.deleted_at is 'When it was found to be gone from the portal; null while it is there.';

create index bitrix24_items_created on bitrix24_items (user_account_id, entity_type, date_create);
create index bitrix24_items_loaded on bitrix24_items (loaded_at);
create index bitrix24_items_parents on bitrix24_items using gin (parents);
