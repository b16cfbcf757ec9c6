-- name: has_keys()$
-- Whether the table of keys is there: the first migrations are made without it.
select to_regclass('public.bitrix24_locks') is not null;

-- name: take(name)$
-- The key of the lock that is ours now; null where another session of ours has it, also since before there was the table.
select case when not b24_is_locked(hashtextextended(:name, 24)) then b24_take_lock(:name) end;

-- name: take_by_name(name)$
-- The same where there is no table of keys yet.
select case when pg_try_advisory_lock(hashtextextended(:name, 24)) then hashtextextended(:name, 24) end;

-- name: give_back(key)$
-- Lets the next one in.
select pg_advisory_unlock(:key);

-- name: is_taken(name)$
-- Whether a session of ours has the lock.
select exists(select from bitrix24_locks where name = :name and b24_is_locked(key));

-- name: forget(name)!
-- A lock that is not taken again, unless somebody has it.
delete from bitrix24_locks
where name = :name and not b24_is_locked(key);

-- name: stay()#
-- A server that ends idle sessions must not end this one.
set idle_session_timeout = 0;

-- name: give_all_back()$
-- Lets go of all that this session holds.
select pg_advisory_unlock_all();

-- name: try_in_transaction(name)$
-- Takes a lock of a portal until the transaction ends; nothing where another transaction has it.
select true from bitrix24_locks
where name = :name
for update skip locked;

-- name: wait_in_transaction(name)$
-- The same, and waits for it.
select true from bitrix24_locks
where name = :name
for update;
