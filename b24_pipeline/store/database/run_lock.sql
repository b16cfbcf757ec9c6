-- name: stay#
-- A server that ends idle sessions must not end this one.
set idle_session_timeout = 0;
