-- name: chosen(account)
-- What is read beside the entities of every portal.
select entity_type
from bitrix24_chosen_entities
where user_account_id = :account
order by entity_type;

-- name: without_stages(account)
-- Whose stages are switched off.
select entity_type
from bitrix24_smart_types
where user_account_id = :account and switches ->> 'isStagesEnabled' = 'N';

-- name: choose(account, entity_types)!
-- Read from now on.
insert into bitrix24_chosen_entities (user_account_id, entity_type)
select
    :account,
    unnest(cast(:entity_types as text[]))
on conflict do nothing;

-- name: leave(account, entity_types)!
-- Not read any more.
delete from bitrix24_chosen_entities
where user_account_id = :account and entity_type = any(cast(:entity_types as text[]));

-- name: forget_coverage(account, entity_types)!
-- What is gone is not proved any more.
delete from bitrix24_coverage
where user_account_id = :account and entity_type = any(cast(:entity_types as text[]));

-- name: known_entities(account)
-- What can be chosen, and what was.
with known as (
    select
        'invoice' as entity_type,
        null::text as title,
        null::timestamptz as deleted_at
    union all
    select
        'quote' as entity_type,
        null::text as title,
        null::timestamptz as deleted_at
    union all
    select
        entity_type,
        title,
        deleted_at
    from bitrix24_smart_types
    where user_account_id = :account
    union all
    select
        chosen.entity_type,
        null::text as title,
        null::timestamptz as deleted_at
    from bitrix24_chosen_entities as chosen
    where
        chosen.user_account_id = :account and chosen.entity_type not in ('invoice', 'quote')
        and not exists (
            select from bitrix24_smart_types as t
            where t.user_account_id = chosen.user_account_id and t.entity_type = chosen.entity_type
        )
)

select
    known.entity_type,
    known.title,
    chosen.entity_type is not null as is_chosen,
    items.rows_alive,
    known.deleted_at
from known
left join bitrix24_chosen_entities as chosen
    on chosen.user_account_id = :account and known.entity_type = chosen.entity_type
cross join lateral (
    select count(*) as rows_alive
    from bitrix24_items as item
    where item.user_account_id = :account and item.entity_type = known.entity_type and item.deleted_at is null
) as items
order by is_chosen desc, known.deleted_at is not null asc, length(known.entity_type) asc, known.entity_type asc;

-- name: not_chosen()
-- Smart processes that are there and not read, of all portals.
select
    t.user_account_id,
    t.entity_type
from bitrix24_smart_types as t
where
    t.deleted_at is null
    and not exists (
        select from bitrix24_chosen_entities as chosen
        where chosen.user_account_id = t.user_account_id and chosen.entity_type = t.entity_type
    )
order by t.user_account_id, t.entity_type_id;

-- name: merge_types(account, rows)!
-- New smart processes, and those that were changed or restored. What only an administrator is told stays where somebody
-- else reads.
insert into bitrix24_smart_types as t (
    user_account_id, entity_type_id, id, title, code, custom_section_id, switches, created_time, updated_time
)
select
    :account,
    r.entity_type_id,
    r.id,
    r.title,
    r.code,
    r.custom_section_id,
    coalesce(r.switches, '{}'),
    r.created_time,
    r.updated_time
from jsonb_to_recordset(:rows) as r (
    entity_type_id integer, id bigint, title text, code text, custom_section_id bigint, switches jsonb,
    created_time timestamptz, updated_time timestamptz
)
on conflict (user_account_id, entity_type_id) do update
set
    id = coalesce(excluded.id, t.id),
    title = coalesce(excluded.title, t.title),
    code = case when excluded.id is null then t.code else excluded.code end,
    custom_section_id = case when excluded.id is null then t.custom_section_id else excluded.custom_section_id end,
    switches = case when excluded.id is null then t.switches else excluded.switches end,
    created_time = coalesce(excluded.created_time, t.created_time),
    updated_time = coalesce(excluded.updated_time, t.updated_time),
    deleted_at = null,
    loaded_at = clock_timestamp()
where
    (t.id, t.title, t.created_time, t.updated_time) is distinct from (
        coalesce(excluded.id, t.id), coalesce(excluded.title, t.title),
        coalesce(excluded.created_time, t.created_time), coalesce(excluded.updated_time, t.updated_time)
    )
    or (
        excluded.id is not null
        and (t.code, t.custom_section_id, t.switches)
        is distinct from (excluded.code, excluded.custom_section_id, excluded.switches)
    )
    or t.deleted_at is not null;

-- name: bury_types(account, rows)
-- Smart processes that the portal does not have any more.
update bitrix24_smart_types as t
set
    deleted_at = clock_timestamp(),
    loaded_at = clock_timestamp()
where
    t.user_account_id = :account and t.deleted_at is null
    and not exists (
        select from jsonb_to_recordset(:rows) as r (entity_type_id integer)
        where r.entity_type_id = t.entity_type_id
    )
returning t.entity_type;

-- name: bury_items(account, entity_types)!
-- Their items went with them.
update bitrix24_items
set
    deleted_at = clock_timestamp(),
    loaded_at = clock_timestamp()
where
    user_account_id = :account and entity_type = any(cast(:entity_types as text[])) and deleted_at is null;

-- name: forget_cursors(account, entity_types)!
-- Should one come back, all of it is read.
delete from bitrix24_cursors
where
    user_account_id = :account
    and (
        entity_type = any(cast(:entity_types as text[]))
        or entity_type in (select name || '_history' from unnest(cast(:entity_types as text[])) as gone (name))
    );

-- name: is_gone(account, entity_type)$
-- Whether a smart process was there once and is not any more.
select exists(
    select from bitrix24_smart_types
    where user_account_id = :account and entity_type = :entity_type and deleted_at is not null
);
