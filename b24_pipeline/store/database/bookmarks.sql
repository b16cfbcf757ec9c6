-- name: complete_upto()$
-- Before this moment nothing can appear any more: rows are stamped with the clock, so a transaction that is
-- still open has stamped its own after it began. Sessions that we may not see are given two minutes.
select
    case
        when bool_or(state is null) then clock_timestamp() - interval '2 minutes'
        else least(clock_timestamp(), min(xact_start))
    end
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend' and pid != pg_backend_pid();

-- name: add(account, reader)!
-- A bookmark to hold, where there is none yet.
insert into bitrix24_bookmarks (user_account_id, reader, loaded_upto)
values (:account, :reader, '-infinity')
on conflict (user_account_id, reader) do nothing;

-- name: hold(account, reader)^
-- How far a reader has come. Nobody else moves it until the transaction ends. A moment to come means that the clock
-- was put back: the reader begins anew, because nothing tells what was stored since.
select
    case when loaded_upto <= clock_timestamp() then nullif(loaded_upto, '-infinity') end as loaded_upto,
    conditions,
    now() as started_at
from bitrix24_bookmarks
where user_account_id = :account and reader = :reader
for update;

-- name: move(account, readers, loaded_upto, conditions)!
-- Everything that was stamped before this moment has been seen by these readers.
update bitrix24_bookmarks
set
    loaded_upto = :loaded_upto,
    conditions = cast(:conditions as jsonb),
    updated_at = clock_timestamp()
where user_account_id = :account and reader = any(cast(:readers as text[]));

-- name: forget(account, prefix, kept)!
-- Readers whose name begins so, but for those that are kept.
delete from bitrix24_bookmarks
where user_account_id = :account and starts_with(reader, :prefix) and reader != all(cast(:kept as text[]));
