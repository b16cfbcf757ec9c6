-- name: try_lock(name)$
-- The lock if it is free.
select pg_try_advisory_lock(hashtextextended(:name, 24));

-- name: lock(name)$
-- Waits for it.
select pg_advisory_lock(hashtextextended(:name, 24));

-- name: unlock(name)$
-- Lets the next one in.
select pg_advisory_unlock(hashtextextended(:name, 24));

-- name: set_patience(patience)$
-- How long to wait.
select set_config('lock_timeout', :patience, false);

-- name: reset_patience()#
-- Back to the usual.
reset lock_timeout;

-- name: stay()#
-- A server that ends idle sessions must not end this one.
set idle_session_timeout = 0;

-- name: unlock_all()$
-- Lets go of all that this session holds.
select pg_advisory_unlock_all();
