-- name: due_leads(account, since, most)
-- Leads alive that were stored since then, oldest first, with their main contact; all that have the last one's stamp.
select
    id,
    contact_id,
    date_modify,
    loaded_at
from bitrix24_leads
where user_account_id = :account and loaded_at >= :since and deleted_at is null
order by loaded_at
fetch first (:most) rows with ties;

-- name: due_deals(account, since, most)
-- Deals likewise.
select
    id,
    contact_id,
    date_modify,
    loaded_at
from bitrix24_deals
where user_account_id = :account and loaded_at >= :since and deleted_at is null
order by loaded_at
fetch first (:most) rows with ties;

-- name: due_companies(account, since, most)
-- Companies likewise; they have no main contact.
select
    id,
    null as contact_id,
    date_modify,
    loaded_at
from bitrix24_companies
where user_account_id = :account and loaded_at >= :since and deleted_at is null
order by loaded_at
fetch first (:most) rows with ties;

-- name: make_staging()#
-- What was read of each owner. Emptied at each commit.
create temporary table if not exists read_owners (
    entity_type text not null,
    entity_id bigint not null,
    is_complete boolean not null,
    primary key (entity_type, entity_id)
) on commit delete rows;
create temporary table if not exists read_links (
    entity_type text not null,
    entity_id bigint not null,
    contact_id bigint not null,
    sort integer,
    is_primary boolean not null,
    primary key (entity_type, entity_id, contact_id)
) on commit delete rows;
truncate read_owners, read_links;

-- name: copy_owners()#
-- The owners; of one that is not complete, only the main contact is known.
copy read_owners (entity_type, entity_id, is_complete) from stdin;

-- name: copy_links()#
-- Their contacts.
copy read_links (entity_type, entity_id, contact_id, sort, is_primary) from stdin;

-- name: analyze_read()#
-- The planner knows nothing of a temporary table that was just filled.
analyze read_owners, read_links;

-- name: lock_merging(account)$
-- One transaction at a time stores links of a portal: two that did not see one another would leave two main contacts.
select pg_advisory_xact_lock(hashtextextended('contact links ' || :account, 0))::text;

-- name: merge(account)^
-- Links as they are in the portal now; only those that differ are touched. Where the portal told the main contact
-- alone, the other contacts stay as they were.
with gone as (
    update bitrix24_contact_links as known
    set deleted_at = clock_timestamp(), loaded_at = clock_timestamp()
    from read_owners as owner
    where
        known.user_account_id = :account
        and known.entity_type = owner.entity_type and known.entity_id = owner.entity_id
        and known.deleted_at is null and (owner.is_complete or known.is_primary)
        and not exists (
            select from read_links as r
            where
                r.entity_type = known.entity_type and r.entity_id = known.entity_id
                and r.contact_id = known.contact_id
        )
    returning known.entity_id
),

come as (
    insert into bitrix24_contact_links as known (
        user_account_id, entity_type, entity_id, contact_id, sort, is_primary
    )
    select
        cast(:account as uuid),
        entity_type,
        entity_id,
        contact_id,
        sort,
        is_primary
    from read_links
    order by entity_type, entity_id, contact_id
    on conflict (user_account_id, entity_type, entity_id, contact_id) do update
    set
        sort = coalesce(excluded.sort, known.sort),
        is_primary = excluded.is_primary,
        deleted_at = null,
        loaded_at = clock_timestamp()
    where
        known.deleted_at is not null or known.is_primary != excluded.is_primary
        or known.sort is distinct from coalesce(excluded.sort, known.sort)
    returning entity_id
)

select
    (select count(*) from come) as changed,
    (select count(*) from gone) as removed;

-- name: analyze_links()#
-- The planner must not take a table that was just filled for an empty one.
analyze bitrix24_contact_links;

-- name: stamp_leads(account, ids)!
-- Leads whose contacts are to be read anew.
update bitrix24_leads
set loaded_at = clock_timestamp()
where user_account_id = :account and id = any(cast(:ids as bigint[])) and deleted_at is null;

-- name: stamp_deals(account, ids)!
-- Deals likewise.
update bitrix24_deals
set loaded_at = clock_timestamp()
where user_account_id = :account and id = any(cast(:ids as bigint[])) and deleted_at is null;

-- name: stamp_companies(account, ids)!
-- Companies likewise.
update bitrix24_companies
set loaded_at = clock_timestamp()
where user_account_id = :account and id = any(cast(:ids as bigint[])) and deleted_at is null;
