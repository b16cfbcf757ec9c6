-- depends: 0047_creatives_of
-- Own leads that a person links to the CRM or unlinks, and files of own leads between being uploaded and being loaded.

create table lead_links (
    lead_id uuid primary key,
    user_account_id uuid not null,
    bitrix24_entity_type text check (bitrix24_entity_type in ('lead', 'deal')),
    bitrix24_entity_id bigint,
    decided_at timestamptz not null default clock_timestamp(),
    foreign key (user_account_id, lead_id) references leads (user_account_id, id) on delete cascade,
    check ((bitrix24_entity_type is null) = (bitrix24_entity_id is null))
);
comment on table lead_links is 'What a person has said that an own lead has become, or that it has become nothing. It goes before what is matched by phone, as long as that lead or deal is there.';
comment on column lead_links.lead_id is 'The own lead.';
comment on column lead_links.user_account_id is 'The portal.';
comment on column lead_links.bitrix24_entity_type is 'lead or deal; null: it is linked to nothing.';
comment on column lead_links.bitrix24_entity_id is 'Id of the CRM lead or deal.';
comment on column lead_links.decided_at is 'When it was said; who said it stands in bitrix24_audit.';
create index lead_links_entity on lead_links (user_account_id, bitrix24_entity_type, bitrix24_entity_id);

alter table lead_matches drop constraint lead_matches_method_check;
alter table lead_matches add constraint lead_matches_method_check check (
    method in (
        'lead_phone', 'contact_phone', 'company_phone', 'portal_lead', 'portal_contact', 'portal_company', 'by_hand'
    )
);
alter table lead_matches drop constraint lead_matches_unmatched_reason_check;
alter table lead_matches add constraint lead_matches_unmatched_reason_check check (
    unmatched_reason in ('no_phone', 'invalid_phone', 'not_found', 'by_hand')
);
comment on column lead_matches.method is 'lead_phone, contact_phone and company_phone: by a phone in our copy; portal_lead, portal_contact and portal_company: by the portal''s own search; by_hand: a person has linked it. Null where nothing matched.';
comment on column lead_matches.chosen_because is 'Why this one: newest_open_deal, newest_deal, deal_of_lead (its lead_id is the lead found), newest_lead, only_contact, only_company, by_hand.';
comment on column lead_matches.unmatched_reason is 'no_phone, invalid_phone, not_found, or by_hand where a person has unlinked it; null where it matched.';

create function b24_audit_lead_link() returns trigger language plpgsql as $$
declare
    was jsonb := case
        when tg_op != 'INSERT'
            then jsonb_build_object('type', old.bitrix24_entity_type, 'id', old.bitrix24_entity_id)
    end;
    becomes jsonb := case
        when tg_op != 'DELETE'
            then jsonb_build_object('type', new.bitrix24_entity_type, 'id', new.bitrix24_entity_id)
    end;
    own uuid := case when tg_op = 'DELETE' then old.lead_id else new.lead_id end;
    account uuid := case when tg_op = 'DELETE' then old.user_account_id else new.user_account_id end;
begin
    -- what goes with its own lead was not decided by anybody
    if was is distinct from becomes and exists (select from leads where id = own) then
        perform b24_note_change(account, null, 'own lead link', own::text, was, becomes);
    end if;
    return null;
end $$;
comment on function b24_audit_lead_link is 'Notes that an own lead was linked or unlinked by a person, or left to the matching again.';
create trigger b24_audit after insert or update or delete on lead_links
for each row execute function b24_audit_lead_link();
comment on column bitrix24_audit.what is 'portal, stage flags, key stages, qualification, own leads, own lead link or key.';
comment on column bitrix24_audit.subject is 'Which one: the portal''s name, entity type, pipeline and code of a stage, name of a direction, of a file or of a key, id of an own lead.';

create table bitrix24_uploads (
    id uuid primary key default gen_random_uuid(),
    user_account_id uuid not null references user_accounts on delete cascade,
    uploaded_by text not null,
    uploaded_at timestamptz not null default now(),
    file_name text not null,
    content bytea not null
);
comment on table bitrix24_uploads is 'Files of own leads whose columns a person is looking at; deleted once they are loaded, and after an hour.';
comment on column bitrix24_uploads.id is 'Key.';
comment on column bitrix24_uploads.user_account_id is 'The portal.';
comment on column bitrix24_uploads.uploaded_by is 'The name of the key of whoever has uploaded it; nobody else can load it.';
comment on column bitrix24_uploads.uploaded_at is 'When it came.';
comment on column bitrix24_uploads.file_name is 'Name of the file.';
comment on column bitrix24_uploads.content is 'The file.';
create index bitrix24_uploads_account on bitrix24_uploads (user_account_id);
