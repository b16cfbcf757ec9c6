-- depends: 0053_items
-- The functions of the load, for tables of one entity as before, and for tables of several: `part` is the entity_type of
-- the rows that are meant, null where the table holds one entity. Versions before this one call them without it.

create or replace function b24_merge(
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
    key text[] := case when 'entity_type' = any(columns)
        then array['user_account_id', 'entity_type', 'id'] else array['user_account_id', 'id'] end;
    compared text[] := array(select c from unnest(columns) as c where c != all(key));
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
                    %11$s and t.deleted_at is null
                    and (%5$s) is not distinct from (%6$s)
            )
            on conflict (%12$s) do update
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
        created,
        (select string_agg(format('t.%1$I = s.%1$I', c), ' and ') from unnest(key) as c),
        (select string_agg(format('%I', c), ', ') from unnest(key) as c)
    ) using time_zone, asked_at;
end;
$$;

create function b24_note_vanished(
    target regclass,
    staging regclass,
    account uuid,
    part text,
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
            t.user_account_id = $1 %4$s and t.deleted_at is null
            and t.id > $4 and t.id <= coalesce($5, 9223372036854775807)
            %3$s
            and not exists (select from %2$s as s where s.id = t.id)
        on conflict do nothing
        $note$,
        target, staging, within_dates, case when part is null then '' else 'and t.entity_type = $8' end
    ) using account, entity, load_scope, after_id, upto_id, created_from, created_before, part;
    get diagnostics noted = row_count;
    return noted;
end;
$$;
comment on function b24_note_vanished(regclass, regclass, uuid, text, text, text, bigint, bigint, timestamptz, timestamptz) is
'Notes the rows of an id range that are alive here and were not among the rows just read.';

create function b24_set_tombstones(target regclass, account uuid, part text, entity text, load_scope text)
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
            and t.user_account_id = v.user_account_id %s and t.id = v.id and t.deleted_at is null
        $bury$,
        target, case when part is null then '' else 'and t.entity_type = $4' end
    ) using account, entity, load_scope, part;
    get diagnostics buried = row_count;
    return buried;
end;
$$;
comment on function b24_set_tombstones(regclass, uuid, text, text, text) is
'Marks the rows that a load missed, and a second look did not find, as deleted.';

create function b24_count_alive(target regclass, account uuid, part text) returns bigint
language plpgsql as $$
declare
    alive bigint;
begin
    execute format(
        'select count(*) from %s where user_account_id = $1 %s and deleted_at is null',
        target, case when part is null then '' else 'and entity_type = $2' end
    ) into alive using account, part;
    return alive;
end;
$$;
comment on function b24_count_alive(regclass, uuid, text) is
'How many rows of a portal a table of the CRM holds, deleted ones left out.';

create function b24_has_rows(target regclass, account uuid, part text, after_ids bigint[], upto_ids bigint[])
returns boolean
language plpgsql stable
-- the planner may believe that the table is as empty as it was when it was analysed last
set enable_seqscan = off
as $$
declare
    found boolean;
begin
    execute format(
        $exists$
        select exists (
            select
            from unnest($2, $3) as r (after_id, upto_id)
            where exists (
                select from %s as t
                where
                    t.user_account_id = $1 %s
                    and t.id > r.after_id and t.id <= coalesce(r.upto_id, 9223372036854775807)
            )
        )
        $exists$,
        target, case when part is null then '' else 'and t.entity_type = $4' end
    ) into found using account, after_ids, upto_ids, part;
    return found;
end;
$$;
comment on function b24_has_rows(regclass, uuid, text, bigint[], bigint[]) is
'Whether a table of the CRM holds any row of a portal in these id ranges, deleted ones included.';

create function b24_months(
    target regclass, account uuid, part text, after_ids bigint[], upto_ids bigint[], time_zone text
)
returns date[]
language plpgsql stable
set enable_seqscan = off
as $$
declare
    months date[];
begin
    execute format(
        $months$
        select array_agg(distinct date_trunc('month', t.date_create at time zone $4)::date)
        from unnest($2, $3) as r (after_id, upto_id)
        inner join %s as t
            on t.user_account_id = $1 %s
            and t.id > r.after_id and t.id <= coalesce(r.upto_id, 9223372036854775807)
        where t.date_create is not null
        $months$,
        target, case when part is null then '' else 'and t.entity_type = $5' end
    ) into months using account, after_ids, upto_ids, time_zone, part;
    return months;
end;
$$;
comment on function b24_months(regclass, uuid, text, bigint[], bigint[], text) is
'The months in which the rows of a portal in these id ranges were created, by days of its time zone.';

create function b24_count_created(
    target regclass, account uuid, part text, created_from date, created_before date, time_zone text
) returns bigint
language plpgsql stable as $$
declare
    alive bigint;
begin
    execute format(
        $count$
        select count(*)
        from %s
        where
            user_account_id = $1 %s and deleted_at is null
            and ($2 = date '0001-01-01' or date_create >= $2::timestamp at time zone $4)
            and ($3 = date '9999-12-31' or date_create < $3::timestamp at time zone $4)
        $count$,
        target, case when part is null then '' else 'and entity_type = $5' end
    ) into alive using account, created_from, created_before, time_zone, part;
    return alive;
end;
$$;
comment on function b24_count_created(regclass, uuid, text, date, date, text) is
'How many rows of a portal are alive that were created on these days of its zone; those without a day count only in the whole.';
