-- name: columns(table)
-- Columns of a table or view with their comments, in their order.
select
    attname as name,
    format_type(atttypid, atttypmod) as type,
    col_description(attrelid, attnum) as comment,
    attnotnull as is_never_null
from pg_attribute
where attrelid = to_regclass(:table) and attnum > 0 and not attisdropped
order by attnum;

-- name: count_alive(table, account, part)$
-- Rows of a portal that are not deleted.
select b24_count_alive(cast(:table as regclass), :account, :part);

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

-- name: rows_by_month(table, account, time_zone, first, before)
-- Rows of a portal that are not deleted, by the month of their creation in its zone. One of the five parts is read.
with created as (
    select date_create as created_at from bitrix24_leads
    where
        cast(:table as text) = 'bitrix24_leads'
        and user_account_id = :account
        and deleted_at is null
        and date_create >= cast(:first as timestamp) at time zone :time_zone
        and date_create < cast(:before as timestamp) at time zone :time_zone
    union all
    select date_create as created_at from bitrix24_deals
    where
        cast(:table as text) = 'bitrix24_deals'
        and user_account_id = :account
        and deleted_at is null
        and date_create >= cast(:first as timestamp) at time zone :time_zone
        and date_create < cast(:before as timestamp) at time zone :time_zone
    union all
    select date_create as created_at from bitrix24_contacts
    where
        cast(:table as text) = 'bitrix24_contacts'
        and user_account_id = :account
        and deleted_at is null
        and date_create >= cast(:first as timestamp) at time zone :time_zone
        and date_create < cast(:before as timestamp) at time zone :time_zone
    union all
    select date_create as created_at from bitrix24_companies
    where
        cast(:table as text) = 'bitrix24_companies'
        and user_account_id = :account
        and deleted_at is null
        and date_create >= cast(:first as timestamp) at time zone :time_zone
        and date_create < cast(:before as timestamp) at time zone :time_zone
    union all
    select changed_at as created_at from bitrix24_status_history
    where
        cast(:table as text) = 'bitrix24_status_history'
        and user_account_id = :account
        and changed_at >= cast(:first as timestamp) at time zone :time_zone
        and changed_at < cast(:before as timestamp) at time zone :time_zone
)
select
    date_trunc('month', created_at at time zone :time_zone)::date as month,
    count(*) as rows
from created
group by month
order by month;
