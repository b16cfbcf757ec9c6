-- name: cursor(account, entity)^
-- How far the entity was read.
select
    watermark,
    last_id
from bitrix24_cursors
where user_account_id = :account and entity_type = :entity;

-- name: advance(account, entity, watermark, last_id)!
-- Forward only: a portal whose clock went back must not make us forget.
insert into bitrix24_cursors (user_account_id, entity_type, watermark, last_id)
values (:account, :entity, cast(:watermark as timestamptz), cast(:last_id as bigint))
on conflict (user_account_id, entity_type) do update
set
    watermark = greatest(bitrix24_cursors.watermark, excluded.watermark),
    last_id = greatest(bitrix24_cursors.last_id, excluded.last_id),
    updated_at = clock_timestamp();

-- name: note_done(account, entity, moment)!
-- Up to when something was done, by our own clock. Where that was put back, the later moment must not hide what is
-- stored from now on.
insert into bitrix24_cursors (user_account_id, entity_type, watermark)
values (:account, :entity, cast(:moment as timestamptz))
on conflict (user_account_id, entity_type) do update
set
    watermark = case
        when bitrix24_cursors.watermark > clock_timestamp() then excluded.watermark
        else greatest(bitrix24_cursors.watermark, excluded.watermark)
    end,
    updated_at = clock_timestamp();

-- name: load(account, entity, scope)^
-- A load that was begun and not finished. After a week it is begun anew: too much has been deleted since.
select
    open_ranges,
    watermark
from bitrix24_loads
where
    user_account_id = :account and entity_type = :entity and scope = :scope
    and started_at > now() - interval '7 days';

-- name: begin(account, entity, scope, open_ranges, watermark)!
-- A load begins.
insert into bitrix24_loads (user_account_id, entity_type, scope, open_ranges, watermark)
values (:account, :entity, :scope, :open_ranges, :watermark)
on conflict (user_account_id, entity_type, scope) do update
set
    open_ranges = excluded.open_ranges,
    watermark = excluded.watermark,
    started_at = now(),
    updated_at = now();

-- name: note_left(account, entity, scope, open_ranges)!
-- In the transaction of the rows read: what is left.
update bitrix24_loads
set
    open_ranges = :open_ranges,
    updated_at = clock_timestamp()
where user_account_id = :account and entity_type = :entity and scope = :scope;

-- name: end_load(account, entity, scope)!
-- Nothing is left.
delete from bitrix24_loads
where user_account_id = :account and entity_type = :entity and scope = :scope;
