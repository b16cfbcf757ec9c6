-- name: forget()#
-- As before the first own lead.
delete from lead_matches;
delete from leads;
delete from bitrix24_phones;
delete from bitrix24_bookmarks;
update bitrix24_contacts set deleted_at = null where deleted_at is not null;

-- name: add_own_leads(own_leads, round)!
-- Of the contacts' phones, so many, others in each round.
insert into leads (user_account_id, import_key, phone)
select
    user_account_id,
    'contact ' || id,
    phones -> 0 ->> 'VALUE'
from bitrix24_contacts
where phones -> 0 ->> 'VALUE' is not null
order by hashint8(id + :round)
limit :own_leads;

-- name: add_nobody(own_leads)!
-- The last of them get phones that nobody has.
update leads
set phone = '+7800' || lpad(n::text, 7, '0')
from (
    select
        id,
        row_number() over (order by import_key) as n
    from leads
) as numbered
where leads.id = numbered.id and n <= :own_leads;

-- name: lose_contacts(share)!
-- A share of the own leads' contacts is not in the copy.
delete from bitrix24_contacts as c
using leads as l
where l.import_key = 'contact ' || c.id and l.phone !~ '^[+]7800' and random() < :share;
