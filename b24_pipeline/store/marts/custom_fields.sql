-- name: state(account, version)^
-- What was built of which catalogue, and the digest of the present one; null where no catalogue was read yet.
select
    account.name as portal,
    -- nothing where the views were never made, or somebody has dropped them
    case when views.built_at is not null and to_regnamespace(quote_ident(views.schema_name)) is not null then views.schema_name end
        as present_schema,
    views.digest,
    views.problem_digest,
    coalesce(views.problem_at > now() - interval '1 hour', false) as is_problem_fresh,
    (
        -- a row that differs has another loaded_at
        select md5(:version || account.name || string_agg(field.entity_type || field.field_name || field.loaded_at, ' ' order by field.entity_type, field.field_name))
        from bitrix24_fields as field
        where field.user_account_id = account.id and field.deleted_at is null
    ) as present_digest
from user_accounts as account
left join bitrix24_custom_field_views as views on account.id = views.user_account_id
where account.id = :account;

-- name: fields(account, entity_type)
-- Custom fields as they were added, so that a new one becomes the last column.
select
    field_name,
    field_type,
    coalesce(label, field_name) as label,
    coalesce(is_multiple, false) as is_multiple,
    enumeration_values as options
from bitrix24_fields
where user_account_id = :account and entity_type = :entity_type and deleted_at is null and starts_with(field_name, 'UF_')
order by portal_field_id asc nulls last, field_name asc;

-- name: entity_types(account)
-- Entities whose fields the portal has told.
select distinct entity_type
from bitrix24_fields
where user_account_id = :account
order by entity_type;

-- name: title(account, entity_type)$
-- What the portal calls a smart process; nothing of invoices and quotes.
select title
from bitrix24_smart_types
where user_account_id = :account and entity_type = :entity_type;

-- name: columns_of(relation)
-- The columns of a table with their comments, in their order.
select
    attname,
    coalesce(col_description(attrelid, attnum), '')
from pg_attribute
where attrelid = to_regclass(:relation) and attnum > 0 and not attisdropped
order by attnum;

-- name: schema_exists(schema_name)$
-- Whether there is a schema of this name.
select to_regnamespace(quote_ident(:schema_name)) is not null;

-- name: note_built(account, schema_name, digest)!
-- The views show this catalogue.
insert into bitrix24_custom_field_views (user_account_id, schema_name, digest, built_at)
values (:account, :schema_name, :digest, now())
on conflict (user_account_id) do update
set
    schema_name = excluded.schema_name,
    digest = excluded.digest,
    built_at = excluded.built_at,
    problem_digest = null,
    problem_at = null;

-- name: note_problem(account, schema_name, digest)!
-- This catalogue cannot be shown; it is tried again after a while.
insert into bitrix24_custom_field_views (user_account_id, schema_name, problem_digest, problem_at)
values (:account, :schema_name, :digest, now())
on conflict (user_account_id) do update
set problem_digest = excluded.problem_digest, problem_at = excluded.problem_at;

-- name: forget(account)$
-- The schema of a portal that goes.
delete from bitrix24_custom_field_views
where user_account_id = :account
returning schema_name;

-- name: orphans()
-- Portals that are gone, and what they left.
select views.user_account_id
from bitrix24_custom_field_views as views
where not exists (select from user_accounts as account where account.id = views.user_account_id);

-- name: schema_of(portal)$
-- The schema that was made for a portal, or nothing.
select views.schema_name
from bitrix24_custom_field_views as views
inner join user_accounts as account on views.user_account_id = account.id
where account.name = :portal and views.built_at is not null;
