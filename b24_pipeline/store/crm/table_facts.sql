-- name: columns(table)
-- Columns of a table or view with their comments, in their order.
select
    attname as name,
    format_type(atttypid, atttypmod) as type,
    col_description(attrelid, attnum) as comment
from pg_attribute
where attrelid = to_regclass(:table) and attnum > 0 and not attisdropped
order by attnum;

-- name: count_alive(table, account)$
-- Rows of a portal that are not deleted.
select b24_count_alive(cast(:table as regclass), :account);

-- name: count_moves(account)$
-- Moves are never deleted.
select count(*) from bitrix24_status_history
where user_account_id = :account;

-- name: months_of_moves(account, time_zone, seconds)
-- Months, in the portal's zone, of the moves that were stored in the last so many seconds.
select distinct date_trunc('month', changed_at at time zone :time_zone)::date as month
from bitrix24_status_history
where user_account_id = :account and loaded_at >= now() - make_interval(secs => :seconds)
order by month;
