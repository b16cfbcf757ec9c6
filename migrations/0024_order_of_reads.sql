-- depends: 0023_rows_left_out
-- The order of our own reads decides which row is the newer one, where it is known; else the date of the row.

create function b24_merge(
    target regclass,
    staging regclass,
    columns text[],
    time_zone text,
    keep_custom_fields boolean,
    asked_at timestamptz
) returns table (rows_changed bigint, months date[])
language plpgsql
-- a page is small and the table large: look each row up by its key, whatever the planner believes
-- of a table that was filled a moment ago
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
    compared text[] := array(select c from unnest(columns) as c where c not in ('user_account_id', 'id'));
    -- a narrowed selection brings some custom fields only: the others stay
    added text[] := case when keep_custom_fields then array['custom_fields', 'extra'] else '{}' end;
    value_of text := $value$
        select string_agg(
            case when c = any($2) then format('t.%1$I || %2$s.%1$I', c, $3) else format('%2$s.%1$I', c, $3) end, ', '
        ) from unnest($1) as c
    $value$;
    staged text;
    arriving text;
    stored text := (select string_agg(format('t.%I', c), ', ') from unnest(compared) as c);
    -- an answer that was under way for long must not undo what a faster one brought; one that was asked for after
    -- the row had been stored is newer, whatever its date says: portals are restored and clocks put right
    not_older text := case when 'date_modify' = any(columns)
        then 'and (coalesce(excluded.date_modify >= t.date_modify, true) or t.loaded_at < $2)' else '' end;
    created text := case when 'date_create' = any(columns)
        then 'date_trunc(''month'', t.date_create at time zone $1)::date' else 'null::date' end;
begin
    execute value_of into staged using compared, added, 's';
    execute value_of into arriving using compared, added, 'excluded';
    return query execute format(
        $merge$
        with merged as (
            insert into %1$s as t (%3$s)
            select %4$s
            from %2$s as s
            where not exists (
                select from %1$s as t
                where
                    t.user_account_id = s.user_account_id and t.id = s.id and t.deleted_at is null
                    and (%5$s) is not distinct from (%6$s)
            )
            on conflict (user_account_id, id) do update
            set (%7$s) = row(%8$s), loaded_at = clock_timestamp(), deleted_at = null
            where
                ((%6$s) is distinct from (%8$s) or t.deleted_at is not null)
                %9$s
            returning %10$s as month
        )

        select count(*), array_agg(distinct month order by month) filter (where month is not null)
        from merged
        $merge$,
        target,
        staging,
        (select string_agg(format('%I', c), ', ') from unnest(columns) as c),
        (select string_agg(format('s.%I', c), ', ') from unnest(columns) as c),
        staged,
        stored,
        (select string_agg(format('%I', c), ', ') from unnest(compared) as c),
        arriving,
        not_older,
        created
    ) using time_zone, asked_at;
end;
$$;
comment on function b24_merge(regclass, regclass, text[], text, boolean, timestamptz) is
'Brings rows from a staging table into a table of the CRM: new ones are inserted, different ones updated, the same left alone. A row with an older date_modify replaces the stored one only if it was asked for (asked_at, null where that is not known) after that one was stored. Returns how many were new or different, and the months in which those were created.';

-- versions before this one call it without the moment
create or replace function b24_merge(
    target regclass,
    staging regclass,
    columns text[],
    time_zone text,
    keep_custom_fields boolean
) returns table (rows_changed bigint, months date[])
language sql as $$
    select rows_changed, months from b24_merge(target, staging, columns, time_zone, keep_custom_fields, null)
$$;

-- a portal that called a fresh token expired was taken for one that a person has to connect again; where the
-- authorization server has refused nothing, its refresh token is good
update user_accounts
set
    bitrix24_status = 'connected',
    bitrix24_status_reason = null
where
    bitrix24_status = 'reauthorization_required'
    and bitrix24_refresh_token is not null and bitrix24_refresh_failed_at is null;

create function b24_is_due(next_try_at timestamptz, received_at timestamptz) returns boolean
language sql stable as $$
    -- an event that has not failed is due when it lands (both moments are the clock's, a little apart), and none waits
    -- for longer than the longest pause (`store/events/backlog.py`), also where the clock was put back since
    select
        next_try_at <= now()
        or next_try_at <= received_at + interval '1 second'
        or next_try_at > now() + interval '1280 seconds'
$$;
comment on function b24_is_due is 'Whether a pending event is to be drained now.';
