-- name: bounds(entity, account, axis, thresholds, slices, fractions)
-- Where slices of the rows alive are to be cut so that each part holds about as many rows.
-- A row's place is its id, or the second in which it was modified.
select
    slice,
    percentile_disc(cast(:fractions as double precision[])) within group (order by place) as bounds
from (
    select
        place,
        width_bucket(place, cast(:thresholds as bigint[])) as slice
    from (
        select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
        from bitrix24_leads
        where :entity = 'lead' and user_account_id = :account and deleted_at is null
        union all
        select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
        from bitrix24_deals
        where :entity = 'deal' and user_account_id = :account and deleted_at is null
        union all
        select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
        from bitrix24_contacts
        where :entity = 'contact' and user_account_id = :account and deleted_at is null
        union all
        select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
        from bitrix24_companies
        where :entity = 'company' and user_account_id = :account and deleted_at is null
        union all
        select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
        from bitrix24_items
        where entity_type = :entity and user_account_id = :account and deleted_at is null
    ) as alive
) as placed
where slice = any(cast(:slices as integer[]))
group by slice
order by slice;

-- name: counts(entity, account, axis, thresholds)
-- How many rows alive lie between one threshold and the next.
select
    width_bucket(place, cast(:thresholds as bigint[])) as slice,
    count(*) as rows_alive
from (
    select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
    from bitrix24_leads
    where :entity = 'lead' and user_account_id = :account and deleted_at is null
    union all
    select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
    from bitrix24_deals
    where :entity = 'deal' and user_account_id = :account and deleted_at is null
    union all
    select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
    from bitrix24_contacts
    where :entity = 'contact' and user_account_id = :account and deleted_at is null
    union all
    select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
    from bitrix24_companies
    where :entity = 'company' and user_account_id = :account and deleted_at is null
    union all
    select case :axis when 'ID' then id else floor(extract(epoch from date_modify))::bigint end as place
    from bitrix24_items
    where entity_type = :entity and user_account_id = :account and deleted_at is null
) as alive
where place is not null
group by slice;

-- name: stamps(entity, account, after, upto, modified_from, modified_before)
-- The rows alive of an id range that were modified within a time, each with its moment of modification.
select
    id,
    date_modify
from (
    select
        id,
        date_modify
    from bitrix24_leads
    where :entity = 'lead' and user_account_id = :account and deleted_at is null and id > :after
    union all
    select
        id,
        date_modify
    from bitrix24_deals
    where :entity = 'deal' and user_account_id = :account and deleted_at is null and id > :after
    union all
    select
        id,
        date_modify
    from bitrix24_contacts
    where :entity = 'contact' and user_account_id = :account and deleted_at is null and id > :after
    union all
    select
        id,
        date_modify
    from bitrix24_companies
    where :entity = 'company' and user_account_id = :account and deleted_at is null and id > :after
    union all
    select
        id,
        date_modify
    from bitrix24_items
    where entity_type = :entity and user_account_id = :account and deleted_at is null and id > :after
) as alive
where
    id <= coalesce(cast(:upto as bigint), 9223372036854775807)
    and (cast(:modified_from as bigint) is null or date_modify >= to_timestamp(cast(:modified_from as bigint)))
    and (cast(:modified_before as bigint) is null or date_modify < to_timestamp(cast(:modified_before as bigint)));

-- name: known(entity, account, ids)$
-- How many of these rows are alive here.
select count(*)
from (
    select id from bitrix24_leads
    where :entity = 'lead' and user_account_id = :account and deleted_at is null and id = any(:ids)
    union all
    select id from bitrix24_deals
    where :entity = 'deal' and user_account_id = :account and deleted_at is null and id = any(:ids)
    union all
    select id from bitrix24_contacts
    where :entity = 'contact' and user_account_id = :account and deleted_at is null and id = any(:ids)
    union all
    select id from bitrix24_companies
    where :entity = 'company' and user_account_id = :account and deleted_at is null and id = any(:ids)
    union all
    select id from bitrix24_items
    where entity_type = :entity and user_account_id = :account and deleted_at is null and id = any(:ids)
) as alive;

-- name: highest(account)
-- The highest id alive of each entity.
select
    'lead' as entity_type,
    max(id) as highest
from bitrix24_leads
where user_account_id = :account and deleted_at is null
union all
select
    'deal' as entity_type,
    max(id) as highest
from bitrix24_deals
where user_account_id = :account and deleted_at is null
union all
select
    'contact' as entity_type,
    max(id) as highest
from bitrix24_contacts
where user_account_id = :account and deleted_at is null
union all
select
    'company' as entity_type,
    max(id) as highest
from bitrix24_companies
where user_account_id = :account and deleted_at is null;

-- name: note_gone(account, entity, scope, ids)!
-- Rows that the portal did not show; they get a tombstone only after a second look.
insert into bitrix24_vanished (user_account_id, entity_type, scope, id)
select
    :account,
    :entity,
    :scope,
    unnest(cast(:ids as bigint[]))
on conflict do nothing;
