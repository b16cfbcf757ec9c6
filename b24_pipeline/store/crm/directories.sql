-- name: merge_pipelines(account, rows)!
-- New pipelines, and those that were renamed, sorted anew or restored.
insert into bitrix24_pipelines as t (user_account_id, entity_type, category_id, name, sort, is_default)
select
    :account,
    r.entity_type,
    r.category_id,
    r.name,
    r.sort,
    r.is_default
from jsonb_to_recordset(:rows) as r (
    entity_type text, category_id bigint, name text, sort bigint, is_default boolean
)
on conflict (user_account_id, entity_type, category_id) do update
set
    name = excluded.name,
    sort = excluded.sort,
    is_default = excluded.is_default,
    deleted_at = null,
    loaded_at = clock_timestamp()
where
    (t.name, t.sort, t.is_default) is distinct from (excluded.name, excluded.sort, excluded.is_default)
    or t.deleted_at is not null;

-- name: bury_pipelines(account, rows)!
-- Pipelines that the portal does not show any more. None of an entity type at all means lost rights.
update bitrix24_pipelines as t
set
    deleted_at = clock_timestamp(),
    loaded_at = clock_timestamp()
where
    t.user_account_id = :account and t.deleted_at is null
    and t.entity_type in (select r.entity_type from jsonb_to_recordset(:rows) as r (entity_type text))
    and not exists (
        select from jsonb_to_recordset(:rows) as r (entity_type text, category_id bigint)
        where r.entity_type = t.entity_type and r.category_id = t.category_id
    );

-- name: merge_stages(account, rows)!
-- The three flags are the user's: they follow the portal's semantics once, when the stage appears.
insert into bitrix24_pipeline_stages as t (
    user_account_id, entity_type, category_id, category_name, status_id, status_name, status_color,
    status_sort, status_semantics, is_success_stage, is_fail_stage
)
select
    :account,
    r.entity_type,
    r.category_id,
    r.category_name,
    r.status_id,
    r.status_name,
    r.color,
    r.sort,
    r.semantics,
    r.semantics = 'success',
    r.semantics = 'failure'
from jsonb_to_recordset(:rows) as r (
    entity_type text, category_id bigint, category_name text, status_id text, status_name text,
    color text, sort bigint, semantics text
)
on conflict (user_account_id, entity_type, category_id, status_id) do update
set
    -- null where the pipelines could not be read
    category_name = coalesce(excluded.category_name, t.category_name),
    status_name = excluded.status_name,
    status_color = excluded.status_color,
    status_sort = excluded.status_sort,
    status_semantics = excluded.status_semantics,
    deleted_at = null,
    loaded_at = clock_timestamp()
where
    (t.category_name, t.status_name, t.status_color, t.status_sort, t.status_semantics)
    is distinct from (
        coalesce(excluded.category_name, t.category_name), excluded.status_name, excluded.status_color,
        excluded.status_sort, excluded.status_semantics
    )
    or t.deleted_at is not null;

-- name: bury_stages(account, rows)!
-- Stages that were deleted; history still refers to them. None of an entity type at all means lost rights.
update bitrix24_pipeline_stages as t
set
    deleted_at = clock_timestamp(),
    loaded_at = clock_timestamp()
where
    t.user_account_id = :account and t.deleted_at is null
    and t.entity_type in (select r.entity_type from jsonb_to_recordset(:rows) as r (entity_type text))
    and not exists (
        select from jsonb_to_recordset(:rows) as r (entity_type text, category_id bigint, status_id text)
        where
            r.entity_type = t.entity_type and r.category_id = t.category_id and r.status_id = t.status_id
    );

-- name: merge_statuses(account, rows)!
-- All directories: sources, types, stages.
insert into bitrix24_statuses as t (user_account_id, directory, status_id, name, sort, color, semantics)
select
    :account,
    r.directory,
    r.status_id,
    r.name,
    r.sort,
    r.color,
    r.semantics
from jsonb_to_recordset(:rows) as r (
    directory text, status_id text, name text, sort bigint, color text, semantics text
)
on conflict (user_account_id, directory, status_id) do update
set
    name = excluded.name,
    sort = excluded.sort,
    color = excluded.color,
    semantics = excluded.semantics,
    deleted_at = null,
    loaded_at = clock_timestamp()
where
    (t.name, t.sort, t.color, t.semantics)
    is distinct from (excluded.name, excluded.sort, excluded.color, excluded.semantics)
    or t.deleted_at is not null;

-- name: bury_statuses(account, rows)!
-- Entries that were deleted.
update bitrix24_statuses as t
set
    deleted_at = clock_timestamp(),
    loaded_at = clock_timestamp()
where
    t.user_account_id = :account and t.deleted_at is null
    and not exists (
        select from jsonb_to_recordset(:rows) as r (directory text, status_id text)
        where r.directory = t.directory and r.status_id = t.status_id
    );

-- name: merge_fields(account, rows)!
-- The field catalogue.
insert into bitrix24_fields as t (
    user_account_id, entity_type, field_name, field_type, label, is_multiple, is_required, is_read_only,
    is_custom, status_type, enumeration_values, portal_field_id
)
select
    :account,
    r.entity_type,
    r.field_name,
    r.field_type,
    r.label,
    r.is_multiple,
    r.is_required,
    r.is_read_only,
    r.is_custom,
    r.status_type,
    r.enumeration_values,
    r.portal_field_id
from jsonb_to_recordset(:rows) as r (
    entity_type text, field_name text, field_type text, label text, is_multiple boolean, is_required boolean,
    is_read_only boolean, is_custom boolean, status_type text, enumeration_values jsonb, portal_field_id bigint
)
on conflict (user_account_id, entity_type, field_name) do update
set
    field_type = excluded.field_type,
    label = excluded.label,
    is_multiple = excluded.is_multiple,
    is_required = excluded.is_required,
    is_read_only = excluded.is_read_only,
    is_custom = excluded.is_custom,
    status_type = excluded.status_type,
    enumeration_values = excluded.enumeration_values,
    portal_field_id = excluded.portal_field_id,
    deleted_at = null,
    loaded_at = clock_timestamp()
where
    (
        t.field_type, t.label, t.is_multiple, t.is_required, t.is_read_only, t.is_custom,
        t.status_type, t.enumeration_values, t.portal_field_id
    ) is distinct from (
        excluded.field_type, excluded.label, excluded.is_multiple, excluded.is_required,
        excluded.is_read_only, excluded.is_custom, excluded.status_type, excluded.enumeration_values,
        excluded.portal_field_id
    )
    or t.deleted_at is not null;

-- name: bury_fields(account, rows)!
-- Fields that were deleted, of the entities whose catalogue was read.
update bitrix24_fields as t
set
    deleted_at = clock_timestamp(),
    loaded_at = clock_timestamp()
where
    t.user_account_id = :account and t.deleted_at is null
    and t.entity_type in (select r.entity_type from jsonb_to_recordset(:rows) as r (entity_type text))
    and not exists (
        select from jsonb_to_recordset(:rows) as r (entity_type text, field_name text)
        where r.entity_type = t.entity_type and r.field_name = t.field_name
    );

-- name: merge_departments(account, rows)!
-- New departments, and those that were renamed, moved, restored, or have another head.
insert into bitrix24_departments as t (user_account_id, id, name, sort, parent, uf_head)
select
    :account,
    r.id,
    r.name,
    r.sort,
    r.parent,
    r.uf_head
from jsonb_to_recordset(:rows) as r (id bigint, name text, sort bigint, parent bigint, uf_head bigint)
on conflict (user_account_id, id) do update
set
    name = excluded.name,
    sort = excluded.sort,
    parent = excluded.parent,
    uf_head = excluded.uf_head,
    deleted_at = null,
    loaded_at = clock_timestamp()
where
    (t.name, t.sort, t.parent, t.uf_head)
    is distinct from (excluded.name, excluded.sort, excluded.parent, excluded.uf_head)
    or t.deleted_at is not null;

-- name: bury_departments(account, rows)!
-- Departments that were deleted; users may still name them.
update bitrix24_departments as t
set
    deleted_at = clock_timestamp(),
    loaded_at = clock_timestamp()
where
    t.user_account_id = :account and t.deleted_at is null
    and not exists (
        select from jsonb_to_recordset(:rows) as r (id bigint)
        where r.id = t.id
    );

-- name: merge_currencies(account, rows)!
-- New currencies, and those with another name or rate.
insert into bitrix24_currencies as t (user_account_id, currency, full_name, amount, amount_cnt, base, sort)
select
    :account,
    r.currency,
    r.full_name,
    r.amount,
    r.amount_cnt,
    r.base,
    r.sort
from jsonb_to_recordset(:rows) as r (
    currency text, full_name text, amount numeric, amount_cnt numeric, base boolean, sort bigint
)
on conflict (user_account_id, currency) do update
set
    full_name = excluded.full_name,
    amount = excluded.amount,
    amount_cnt = excluded.amount_cnt,
    base = excluded.base,
    sort = excluded.sort,
    deleted_at = null,
    loaded_at = clock_timestamp()
where
    (t.full_name, t.amount, t.amount_cnt, t.base, t.sort)
    is distinct from (
        excluded.full_name, excluded.amount, excluded.amount_cnt, excluded.base, excluded.sort
    )
    or t.deleted_at is not null;

-- name: bury_currencies(account, rows)!
-- Currencies that were deleted; amounts may still be in them.
update bitrix24_currencies as t
set
    deleted_at = clock_timestamp(),
    loaded_at = clock_timestamp()
where
    t.user_account_id = :account and t.deleted_at is null
    and not exists (
        select from jsonb_to_recordset(:rows) as r (currency text)
        where r.currency = t.currency
    );
