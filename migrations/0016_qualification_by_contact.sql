-- depends: 0015_matching
-- From a contact that changed to its leads: a condition may be about it.

create index bitrix24_leads_of_contact on bitrix24_leads (user_account_id, contact_id) where contact_id is not null;
