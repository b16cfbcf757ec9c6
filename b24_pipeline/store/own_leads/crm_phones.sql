-- name: make_staging()#
-- What was read of leads, contacts and companies, and the phones that some of them got or lost. Emptied at each commit.
create temporary table if not exists read_phones (
    entity_type text not null,
    entity_id bigint not null,
    phone text
) on commit delete rows;
create temporary table if not exists touched_phones (phone text not null) on commit delete rows;
truncate read_phones, touched_phones;

-- name: changed_leads(account, since)
-- Leads stored since then with the phones that people wrote, a line each; none of a deleted one.
select
    c.id,
    case when c.deleted_at is null and jsonb_typeof(c.phones) = 'array' then (
        select string_agg(p ->> 'VALUE', chr(10)) from jsonb_array_elements(c.phones) as p
    ) end as written
from bitrix24_leads as c
where c.user_account_id = :account and c.loaded_at >= :since;

-- name: changed_contacts(account, since)
-- Contacts stored since then with the phones that people wrote, a line each; none of a deleted one.
select
    c.id,
    case when c.deleted_at is null and jsonb_typeof(c.phones) = 'array' then (
        select string_agg(p ->> 'VALUE', chr(10)) from jsonb_array_elements(c.phones) as p
    ) end as written
from bitrix24_contacts as c
where c.user_account_id = :account and c.loaded_at >= :since;

-- name: changed_companies(account, since)
-- Companies stored since then with the phones that people wrote, a line each; none of a deleted one.
select
    c.id,
    case when c.deleted_at is null and jsonb_typeof(c.phones) = 'array' then (
        select string_agg(p ->> 'VALUE', chr(10)) from jsonb_array_elements(c.phones) as p
    ) end as written
from bitrix24_companies as c
where c.user_account_id = :account and c.loaded_at >= :since;

-- name: copy_read()#
-- A row a phone; one without a phone where an entity has none.
copy read_phones (entity_type, entity_id, phone) from stdin;

-- name: take_read(account)$
-- The index gets what was read; returns how many phones came or went.
with touched as (
    select distinct
        entity_type,
        entity_id
    from read_phones
),

gone as (
    delete from bitrix24_phones as known
    using touched
    where
        known.user_account_id = :account
        and known.entity_type = touched.entity_type and known.entity_id = touched.entity_id
        and not exists (
            select from read_phones as r
            where
                r.entity_type = known.entity_type and r.entity_id = known.entity_id and r.phone = known.phone
        )
    returning known.phone
),

each_phone as (
    select distinct
        entity_type,
        entity_id,
        phone
    from read_phones
),

come as (
    insert into bitrix24_phones (user_account_id, entity_type, entity_id, phone)
    select
        cast(:account as uuid),
        entity_type,
        entity_id,
        phone
    from each_phone
    where phone is not null
    order by phone
    on conflict do nothing
    returning phone
),

noted as (
    insert into touched_phones (phone)
    select phone from gone
    union
    select phone from come
    returning phone
)

select count(*) from noted;

-- name: analyze_read()#
-- The planner knows nothing of a temporary table that was just filled.
analyze read_phones;

-- name: analyze_phones()#
-- Nor of an index that was just built.
analyze bitrix24_phones (user_account_id, entity_type, entity_id, phone);
