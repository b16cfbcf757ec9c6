-- depends: 0004_comments
-- A first load needs no merge: where a portal has no rows yet in the id ranges of a page,
-- the rows are copied straight into the table. These two tell where that is, and what came.

create function b24_has_rows(target regclass, account uuid, after_ids bigint[], upto_ids bigint[])
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
                    t.user_account_id = $1
                    and t.id > r.after_id and t.id <= coalesce(r.upto_id, 9223372036854775807)
            )
        )
        $exists$,
        target
    ) into found using account, after_ids, upto_ids;
    return found;
end;
$$;
comment on function b24_has_rows is 'Whether a table of the CRM holds any row of a portal in these id ranges, deleted ones included.';

create function b24_months(target regclass, account uuid, after_ids bigint[], upto_ids bigint[], time_zone text)
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
            on t.user_account_id = $1
            and t.id > r.after_id and t.id <= coalesce(r.upto_id, 9223372036854775807)
        where t.date_create is not null
        $months$,
        target
    ) into months using account, after_ids, upto_ids, time_zone;
    return months;
end;
$$;
comment on function b24_months is 'The months in which the rows of a portal in these id ranges were created, by days of its time zone.';
