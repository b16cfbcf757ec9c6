-- name: make_staging()#
-- The rows of a file. Emptied at each commit.
create temporary table if not exists staging_own_leads (
    line bigint not null,
    import_key text not null,
    earlier_key text,
    person text not null,
    phones text[] not null,
    id_digits integer not null,
    id_zeros integer not null,
    name text,
    phone text,
    email text,
    creative text,
    direction text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    utm_term text,
    created_at timestamptz
) on commit delete rows;
truncate staging_own_leads;

-- name: copy_rows()#
copy staging_own_leads (
    line, import_key, earlier_key, person, phones, id_digits, id_zeros, name, phone, email, creative, direction,
    utm_source, utm_medium, utm_campaign, utm_content, utm_term, created_at
) from stdin;

-- name: refuse_rounded_ids()
-- Drops rows whose id a spreadsheet has rounded, and returns their lines. An id may end in zeros by chance: most long
-- ids of the file must, and in so many zeros together that chance is one in ten thousand.
with long_ids as (
    select
        count(*) as ids,
        count(*) filter (where id_zeros = id_digits) as rounded,
        coalesce(sum(id_zeros), 0) as zeros
    from staging_own_leads
    where id_digits > 0
)

delete from staging_own_leads as s
using long_ids
where s.id_zeros > 0 and 2 * long_ids.rounded > long_ids.ids and long_ids.zeros >= 4
returning s.line;

-- name: refuse_shared_ids()
-- Drops rows that share an id with one of another person and another time, and returns their lines: nobody can tell
-- whose it is. A time that is missing may be another one.
with shared as (
    select import_key
    from staging_own_leads
    group by import_key
    having
        count(distinct person) > 1
        and (count(distinct created_at) > 1 or bool_or(created_at is null))
)

delete from staging_own_leads as s
using shared
where s.import_key = shared.import_key
returning s.line;

-- name: refuse_taken_ids(account)
-- Drops rows whose id a stored lead of another person and another time has, and returns their lines.
delete from staging_own_leads as s
using leads as known
where
    known.user_account_id = :account and s.import_key = known.import_key
    and s.created_at != known.created_at
    and not (s.phones && known.phones)
    and (s.phone is distinct from known.phone or s.phone is null)
    and (lower(s.email) = lower(known.email)) is not true
    and coalesce(s.phone, known.phone, s.email, known.email) is not null
returning s.line;

-- name: drop_repeated()^
-- Of several rows for one lead the last counts; returns how many rows came, and how many of them repeat.
with repeated as (
    delete from staging_own_leads as one
    using (
        select
            import_key,
            max(line) as last_line
        from staging_own_leads
        group by import_key
    ) as counting
    where one.import_key = counting.import_key and one.line < counting.last_line
    returning one.line
)

select
    (select count(*) from staging_own_leads) as read,
    (select count(*) from repeated) as repeated;

-- name: analyze_staging()#
analyze staging_own_leads;

-- name: take_over_earlier_keys(account)!
-- Leads that an earlier version has stored under another key get the present one, so that they are not added again.
update leads as l
set import_key = staged.import_key
from (
    select distinct on (one.import_key)
        one.import_key,
        one.earlier_key
    from (
        select distinct on (earlier_key)
            import_key,
            earlier_key,
            line
        from staging_own_leads
        where earlier_key is not null
        order by earlier_key asc, line asc
    ) as one
    order by one.import_key asc, one.line asc
) as staged
where
    l.user_account_id = :account and l.import_key = staged.earlier_key
    and not exists (
        select from leads as known
        where known.user_account_id = :account and known.import_key = staged.import_key
    );

-- name: add_directions(account)!
-- Those that are not known by name yet.
insert into account_directions (user_account_id, name)
select distinct
    cast(:account as uuid),
    direction
from staging_own_leads
where direction is not null
on conflict (user_account_id, name) do nothing;

-- name: add_creatives(account)!
-- New creatives of the file. A creative without a direction gets that of its first lead that has one.
insert into creatives as c (user_account_id, name, direction_id)
select distinct on (staged.creative)
    cast(:account as uuid),
    staged.creative,
    d.id
from staging_own_leads as staged
left join account_directions as d on d.user_account_id = :account and staged.direction = d.name
where staged.creative is not null
order by staged.creative asc, d.id is null asc, staged.line asc
on conflict (user_account_id, name) do update
set direction_id = excluded.direction_id
where c.direction_id is null and excluded.direction_id is not null;

-- name: forget_directions_of_several(account)!
-- A creative that runs in several directions does not tell that of a lead.
update creatives as c
set direction_id = null
from (
    select
        told.creative,
        min(told.direction) as first_direction,
        max(told.direction) as last_direction
    from (
        select
            known.name as creative,
            d.name as direction
        from creatives as known
        inner join leads as own on known.id = own.creative_id
        inner join account_directions as d on own.direction_id = d.id
        where known.user_account_id = :account and known.name in (select creative from staging_own_leads)
        union all
        select
            creative,
            direction
        from staging_own_leads
        where creative is not null and direction is not null
    ) as told
    group by told.creative
) as directions
where
    c.user_account_id = :account and c.name = directions.creative and c.direction_id is not null
    and (
        directions.first_direction != directions.last_direction
        or directions.first_direction != (select d.name from account_directions as d where d.id = c.direction_id)
    );

-- name: change(account, columns)!
-- Leads that are known and differ. What the file has no column for stays.
with given as (
    select cast(:columns as text[]) as columns
),

staged as (
    select
        known.id,
        case when 'name' = any(given.columns) then s.name else known.name end as name,
        case when 'phone' = any(given.columns) then s.phone else known.phone end as phone,
        case when 'email' = any(given.columns) then s.email else known.email end as email,
        case when 'creative' = any(given.columns) then c.id else known.creative_id end as creative_id,
        case
            when d.id is not null then d.id
            when
                'direction' != all(given.columns) and known.direction_id is not null
                and ('creative' != all(given.columns) or c.id is not distinct from known.creative_id)
                then known.direction_id
            when 'creative' = any(given.columns) and c.direction_id is not null then c.direction_id
            when 'direction' = any(given.columns) then null
            else known.direction_id
        end as direction_id,
        case when 'utm_source' = any(given.columns) then s.utm_source else known.utm_source end as utm_source,
        case when 'utm_medium' = any(given.columns) then s.utm_medium else known.utm_medium end as utm_medium,
        case when 'utm_campaign' = any(given.columns) then s.utm_campaign else known.utm_campaign end
            as utm_campaign,
        case when 'utm_content' = any(given.columns) then s.utm_content else known.utm_content end
            as utm_content,
        case when 'utm_term' = any(given.columns) then s.utm_term else known.utm_term end as utm_term,
        coalesce(s.created_at, known.created_at) as created_at
    from staging_own_leads as s
    cross join given
    inner join leads as known on known.user_account_id = :account and s.import_key = known.import_key
    left join creatives as c on c.user_account_id = :account and s.creative = c.name
    left join account_directions as d on d.user_account_id = :account and s.direction = d.name
)

update leads as l
set
    name = staged.name,
    phone = staged.phone,
    email = staged.email,
    creative_id = staged.creative_id,
    direction_id = staged.direction_id,
    utm_source = staged.utm_source,
    utm_medium = staged.utm_medium,
    utm_campaign = staged.utm_campaign,
    utm_content = staged.utm_content,
    utm_term = staged.utm_term,
    created_at = staged.created_at,
    loaded_at = clock_timestamp()
from staged
where
    l.user_account_id = :account and l.id = staged.id
    and (
        l.name, l.phone, l.email, l.creative_id, l.direction_id, l.utm_source, l.utm_medium, l.utm_campaign,
        l.utm_content, l.utm_term, l.created_at
    ) is distinct from (
        staged.name, staged.phone, staged.email, staged.creative_id, staged.direction_id, staged.utm_source,
        staged.utm_medium, staged.utm_campaign, staged.utm_content, staged.utm_term, staged.created_at
    );

-- name: count_alike(account)$
-- How many of the new leads have the phone and the time of a known one: the same file, read with other columns.
select count(*)
from staging_own_leads as s
where
    not exists (
        select from leads as known
        where known.user_account_id = :account and s.import_key = known.import_key
    )
    and exists (
        select from leads as known
        where known.user_account_id = :account and s.phone = known.phone and s.created_at = known.created_at
    );

-- name: add(account)!
-- Leads that are new; without a date they were left now.
insert into leads (
    user_account_id, import_key, name, phone, email, creative_id, direction_id, utm_source, utm_medium,
    utm_campaign, utm_content, utm_term, created_at
)
select
    :account,
    s.import_key,
    s.name,
    s.phone,
    s.email,
    c.id,
    coalesce(d.id, c.direction_id),
    s.utm_source,
    s.utm_medium,
    s.utm_campaign,
    s.utm_content,
    s.utm_term,
    coalesce(s.created_at, now())
from staging_own_leads as s
left join creatives as c on c.user_account_id = :account and s.creative = c.name
left join account_directions as d on d.user_account_id = :account and s.direction = d.name
on conflict (user_account_id, import_key) do nothing;

-- name: note_import(account, file, added, changed)!
-- That somebody has loaded a file: single leads are not noted.
select b24_note_change(
    cast(:account as uuid), null, 'own leads', cast(:file as text), null,
    jsonb_build_object('added', cast(:added as bigint), 'changed', cast(:changed as bigint))
);
