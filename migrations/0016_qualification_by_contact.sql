-- depends: 0014_reconciliation
-- A contact that changed is found by its stamp, and from it its leads: a condition may be about it.

create index if not exists bitrix24_contacts_loaded on bitrix24_contacts (loaded_at);
create index bitrix24_leads_of_contact on bitrix24_leads (user_account_id, contact_id) where contact_id is not null;
