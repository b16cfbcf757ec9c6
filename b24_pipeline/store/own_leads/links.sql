-- name: hold_own_lead(account, own_lead)$
-- Whether there is such an own lead; it stays until the end of the transaction.
select true
from leads
where user_account_id = :account and id = :own_lead
for key share;

-- name: is_there(account, entity_type, entity_id)$
-- Whether the copy has this lead or deal, and it was not deleted.
select count(*) > 0
from (
    select id
    from bitrix24_deals
    where
        :entity_type = 'deal' and user_account_id = :account and id = :entity_id
        and deleted_at is null and is_recurring is not true
    union all
    select id
    from bitrix24_leads
    where :entity_type = 'lead' and user_account_id = :account and id = :entity_id and deleted_at is null
) as there;

-- name: decide(account, own_lead, entity_type, entity_id)!
-- Replaces what was said before.
insert into lead_links as known (lead_id, user_account_id, bitrix24_entity_type, bitrix24_entity_id)
values (:own_lead, :account, :entity_type, :entity_id)
on conflict (lead_id) do update
set
    bitrix24_entity_type = excluded.bitrix24_entity_type,
    bitrix24_entity_id = excluded.bitrix24_entity_id,
    decided_at = excluded.decided_at;

-- name: withdraw(account, own_lead)!
-- The matching decides again.
delete from lead_links
where user_account_id = :account and lead_id = :own_lead;
