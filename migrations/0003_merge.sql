-- depends: 0002_crm
-- One merge for all tables of the CRM: it touches only rows that differ, so that
-- its count is the number of changes and what is built on top can follow them.

create function b24_merge(
    target regclass,
    staging regclass,
    columns text[],
    time_zone text,
    keep_custom_fields boolean
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
    not_older text := case when 'date_modify' = any(columns)
        -- an answer that was under way for long must not undo what a faster one brought
        then 'and coalesce(excluded.date_modify >= t.date_modify, true)' else '' end;
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
    ) using time_zone;
end;
$$;
comment on function b24_merge is
'Brings rows from a staging table into a table of the CRM: new ones are inserted, different ones updated, the same left alone. Returns how many were new or different, and the months in which those were created.';

create function b24_note_vanished(
    target regclass,
    staging regclass,
    account uuid,
    entity text,
    load_scope text,
    after_id bigint,
    upto_id bigint,
    created_from timestamptz,
    created_before timestamptz
) returns bigint
language plpgsql
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
    noted bigint;
    within_dates text := case when created_from is null and created_before is null then ''
        else 'and t.date_create >= coalesce($6, ''-infinity'') and t.date_create < coalesce($7, ''infinity'')' end;
begin
    execute format(
        $note$
        insert into bitrix24_vanished (user_account_id, entity_type, scope, id)
        select $1, $2, $3, t.id
        from %1$s as t
        where
            t.user_account_id = $1 and t.deleted_at is null
            and t.id > $4 and t.id <= coalesce($5, 9223372036854775807)
            %3$s
            and not exists (select from %2$s as s where s.id = t.id)
        on conflict do nothing
        $note$,
        target, staging, within_dates
    ) using account, entity, load_scope, after_id, upto_id, created_from, created_before;
    get diagnostics noted = row_count;
    return noted;
end;
$$;
comment on function b24_note_vanished is
'Notes the rows of an id range that are alive here and were not among the rows just read.';

create function b24_set_tombstones(target regclass, account uuid, entity text, load_scope text)
returns bigint
language plpgsql as $$
declare
    buried bigint;
begin
    execute format(
        $bury$
        update %s as t
        set deleted_at = clock_timestamp(), loaded_at = clock_timestamp()
        from bitrix24_vanished as v
        where
            v.user_account_id = $1 and v.entity_type = $2 and v.scope = $3
            and t.user_account_id = v.user_account_id and t.id = v.id and t.deleted_at is null
        $bury$,
        target
    ) using account, entity, load_scope;
    get diagnostics buried = row_count;
    return buried;
end;
$$;
comment on function b24_set_tombstones is 'Marks the rows that a load missed, and a second look did not find, as deleted.';

create function b24_count_alive(target regclass, account uuid) returns bigint
language plpgsql as $$
declare
    alive bigint;
begin
    execute format('select count(*) from %s where user_account_id = $1 and deleted_at is null', target)
    into alive using account;
    return alive;
end;
$$;
comment on function b24_count_alive is 'How many rows of a portal a table of the CRM holds, deleted ones left out.';

create function b24_make_staging(target regclass, staging text) returns void
language plpgsql as $$
begin
    if to_regclass('pg_temp.' || quote_ident(staging)) is null then
        execute format('create temporary table %I (like %s) on commit delete rows', staging, target);
        execute format('alter table %I alter column loaded_at drop not null', staging);
    end if;
end;
$$;
comment on function b24_make_staging is 'A temporary table of the same columns, emptied at each commit.';

create function b24_analyze(target regclass) returns void
language plpgsql as $$
begin
    -- all columns of a wide table would cost more than a page; these are joined and filtered by
    execute format('analyze %s (%s)', target, (
        select string_agg(format('%I', attname), ', ')
        from pg_attribute
        where attrelid = target and attnum > 0 and not attisdropped and attname in (
            'user_account_id', 'id', 'entity_type', 'entity_id', 'history_id', 'changed_at', 'is_linked',
            'date_create', 'date_modify', 'loaded_at', 'deleted_at', 'category_id', 'stage_id', 'status_id',
            'lead_id', 'contact_id', 'to_category_id', 'to_status_id'
        )
    ));
end;
$$;
comment on function b24_analyze is 'Fresh statistics for the planner after a load.';
