-- name: recent(account, entity, after)^
-- The moves of the portal that are stored with ids after this one: how many there are of entities that are not deleted,
-- and the highest id of these; how many there are of others, and the highest id of all. A portal may forget the moves
-- of what was deleted.
with recent as (
    select
        moves.history_id,
        leads.id is not null or deals.id is not null as is_shown
    from bitrix24_status_history as moves
    left join bitrix24_leads as leads
        on
            moves.user_account_id = leads.user_account_id
            and moves.entity_type = 'lead'
            and moves.entity_id = leads.id
            and leads.deleted_at is null
    left join bitrix24_deals as deals
        on
            moves.user_account_id = deals.user_account_id
            and moves.entity_type = 'deal'
            and moves.entity_id = deals.id
            and deals.deleted_at is null
    where moves.user_account_id = :account and moves.entity_type = :entity and moves.history_id > :after
)

select
    count(*) filter (where is_shown) as shown,
    coalesce(max(history_id) filter (where is_shown), 0) as last_shown,
    count(*) filter (where not is_shown) as hidden,
    coalesce(max(history_id), 0) as last
from recent;
