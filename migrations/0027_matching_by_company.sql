-- depends: 0026_contact_links
-- Own ad leads are matched by the phones of companies too, and by all contacts of a lead or deal.

alter table bitrix24_phones drop constraint bitrix24_phones_entity_type_check;
alter table bitrix24_phones add constraint bitrix24_phones_entity_type_check
check (entity_type in ('lead', 'contact', 'company'));
comment on table bitrix24_phones is 'Every phone of the CRM''s leads, contacts and companies in E.164, for matching. Follows the copy.';
comment on column bitrix24_phones.entity_type is 'Whose phone it is: lead, contact or company.';
comment on column bitrix24_phones.entity_id is 'Id of the lead, contact or company.';

alter table lead_matches drop constraint lead_matches_method_check;
alter table lead_matches add constraint lead_matches_method_check check (
    method in ('lead_phone', 'contact_phone', 'company_phone', 'portal_lead', 'portal_contact', 'portal_company')
);
alter table lead_matches add column bitrix24_company_id bigint;
comment on column lead_matches.method is 'lead_phone, contact_phone and company_phone: by a phone in our copy; portal_lead, portal_contact and portal_company: by the portal''s own search. Null where nothing matched.';
comment on column lead_matches.bitrix24_contact_id is 'The CRM contact chosen: the one with the phone; the main contact of the lead or deal where no contact has it.';
comment on column lead_matches.bitrix24_company_id is 'The CRM company whose phone it is, where it was found by that.';
comment on column lead_matches.candidates is 'What has one of its phones, or has a contact or company with it, of each type the 20 newest a phone: [{"id": 1, "type": "deal"}].';
comment on column lead_matches.chosen_because is 'Why this one: newest_open_deal, newest_deal, deal_of_lead (its lead_id is the lead found), newest_lead, only_contact, only_company.';

create index bitrix24_deals_of_company on bitrix24_deals (user_account_id, company_id) where company_id is not null;
create index bitrix24_leads_of_company on bitrix24_leads (user_account_id, company_id) where company_id is not null;
-- evidence that names a deal or lead which has changed since
create index lead_matches_candidates on lead_matches using gin (candidates jsonb_path_ops);
