-- name: stages(portals)
-- Stages of portals, deleted ones too, with the names that people see.
select
    account.name as portal,
    stage.entity_type,
    stage.category_id,
    stage.status_id,
    coalesce(nullif(stage.status_name, ''), stage.status_id) as stage_name,
    coalesce(nullif(pipeline.name, ''), nullif(stage.category_name, '')) as pipeline_name
from bitrix24_pipeline_stages as stage
inner join user_accounts as account on stage.user_account_id = account.id
left join bitrix24_pipelines as pipeline
    on
        stage.user_account_id = pipeline.user_account_id
        and stage.entity_type = pipeline.entity_type
        and stage.category_id = pipeline.category_id
where account.name = any(:portals);

-- name: fields(portals)
-- Custom fields of portals with their labels.
select
    account.name as portal,
    field.entity_type,
    field.field_name,
    field.label
from bitrix24_fields as field
inner join user_accounts as account on field.user_account_id = account.id
where account.name = any(:portals) and field.is_custom and field.label <> '';

-- name: own_leads(ids)
-- Own leads by their ids, as they are called.
select
    cast(id as text) as id,
    name
from leads
where id = any(cast(:ids as uuid[])) and name <> '';

-- name: smart_types(portals)
-- Smart processes of portals by their entity types, also those that are gone.
select
    account.name as portal,
    kind.entity_type,
    kind.title
from bitrix24_smart_types as kind
inner join user_accounts as account on kind.user_account_id = account.id
where account.name = any(:portals) and kind.title <> '';
