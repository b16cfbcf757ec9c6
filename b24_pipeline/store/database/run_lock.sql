-- name: stay#
-- A server that ends idle sessions must not end this one.
set idle_session_timeout = 0;

-- name: hold(run_id)!
-- Until it is let go, or the session ends with its process.
select pg_advisory_lock(hashtextextended('b24 run ' || :run_id, 0));

-- name: let_go(run_id)!
-- The run has ended.
select pg_advisory_unlock(hashtextextended('b24 run ' || :run_id, 0));

-- name: is_free(run_id)$
-- Whether nobody holds it; until the transaction ends it is ours then.
select pg_try_advisory_xact_lock(hashtextextended('b24 run ' || :run_id, 0));
