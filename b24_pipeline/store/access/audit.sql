-- name: changes(portals, portal, before, most)
-- The latest first; of a limited key those of its portals alone. `before` goes on behind a row that was seen.
select
    id,
    changed_at,
    changed_by,
    portal,
    what,
    subject,
    before,
    after
from bitrix24_audit
where
    (cast(:portals as uuid[]) is null or user_account_id = any(:portals))
    and (cast(:portal as uuid) is null or user_account_id = :portal)
    and (cast(:before as bigint) is null or id < :before)
order by id desc
limit :most;
