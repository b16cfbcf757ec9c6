-- name: rows_alive(table, account, part, created_from, created_before, time_zone)$
-- Rows alive that were created on these days of the portal's zone; those without a day count only in the whole.
select b24_count_created(
    cast(:table as regclass), :account, :part, cast(:created_from as date), cast(:created_before as date), :time_zone
);

-- name: supersede(account, entity, created_from, created_before)!
-- What lies within a range that was just proved is proved with it.
delete from bitrix24_coverage
where
    user_account_id = :account and entity_type = :entity
    and created_from >= :created_from and created_before <= :created_before;

-- name: prove(account, entity, created_from, created_before, proved_by, rows_alive)!
-- A range was compared with the portal as a whole.
insert into bitrix24_coverage (
    user_account_id, entity_type, created_from, created_before, proved_by, rows_alive, proved_at
)
values (:account, :entity, :created_from, :created_before, :proved_by, :rows_alive, clock_timestamp())
on conflict (user_account_id, entity_type, created_from, created_before) do update
set
    proved_by = excluded.proved_by,
    rows_alive = excluded.rows_alive,
    proved_at = excluded.proved_at;

-- name: coverage(account)
-- What is proved of a portal, or of all portals.
select
    user_account_id as account,
    entity_type,
    created_from,
    created_before,
    proved_by,
    rows_alive,
    proved_at
from bitrix24_coverage
where cast(:account as uuid) is null or user_account_id = :account
order by user_account_id, entity_type, created_from, created_before;
