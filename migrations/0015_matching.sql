-- depends: 0014_reconciliation
-- What the matching looks for: contacts that have changed, and own leads whose phone was not read yet.

create index bitrix24_contacts_loaded on bitrix24_contacts (loaded_at);
create index leads_unread on leads (user_account_id) where coalesce(phone, '') is distinct from phones_of;
comment on column leads.phones_of is 'The text that phones were read from, empty for none: where it is not phone, they are read again and the lead is matched.';
create index leads_crm_contact on leads (user_account_id, bitrix24_contact_id) where bitrix24_contact_id is not null;
comment on column lead_matches.candidates is 'What has one of its phones, of each type the 20 newest a phone: [{"id": 1, "type": "deal"}].';
comment on column lead_matches.chosen_because is 'Why this one: newest_open_deal, newest_deal, deal_of_lead (its lead_id is the lead found), newest_lead, only_contact.';
comment on column lead_matches.asked_portal_at is 'When the portal was searched for its present phone last; what was not found is asked again after a day.';
