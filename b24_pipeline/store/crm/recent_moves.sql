-- name: recent(account, entity, after)^
-- The moves of the portal that are stored with ids after this one: how many there are of entities that are not deleted,
-- and the highest id of these; how many there are of others, and the highest id of all. A portal may forget the moves
-- of what was deleted.
with recent as (
    select
        moves.history_id,
        found.is_alive is not null as is_shown
    from bitrix24_status_history as moves
    -- the limit makes it one look into the index for each move, whatever the planner knows of their number
    left join lateral (
        select true as is_alive
        from bitrix24_leads as leads
        where
            moves.entity_type = 'lead'
            and leads.user_account_id = :account and leads.id = moves.entity_id and leads.deleted_at is null
        union all
        select true as is_alive
        from bitrix24_deals as deals
        where
            moves.entity_type = 'deal'
            and deals.user_account_id = :account and deals.id = moves.entity_id and deals.deleted_at is null
        union all
        select true as is_alive
        from bitrix24_items as items
        where
            items.user_account_id = :account and items.entity_type = moves.entity_type
            and items.id = moves.entity_id and items.deleted_at is null
        limit 1
    ) as found on true
    where moves.user_account_id = :account and moves.entity_type = :entity and moves.history_id > :after
)

select
    count(*) filter (where is_shown) as shown,
    coalesce(max(history_id) filter (where is_shown), 0) as last_shown,
    count(*) filter (where not is_shown) as hidden,
    coalesce(max(history_id), 0) as last
from recent;
