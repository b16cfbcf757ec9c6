-- name: custom_fields
-- One row an entity alive, one column a custom field. What does not fit a field's type is null, or left out
-- of its list: a select never fails on a value.
{%- macro read(column, value) -%}
{%- if column.words %}{{ column.words }}::jsonb ->> {% endif %}{{ column.reader }}({{ value }})
{%- endmacro %}
select
    entity.id as entity_id
    {%- for column in own %},
    entity.{{ column.name }}
    {%- endfor %}
    {%- if part %},
    (
        select pipeline.name
        from public.bitrix24_pipelines as pipeline
        where
            pipeline.user_account_id = entity.user_account_id
            and pipeline.entity_type = entity.entity_type
            and pipeline.category_id = entity.category_id
    ) as category_name,
    stage.status_name as stage_name,
    stage.status_semantics as stage_semantics,
    round(entity.opportunity * case when currency.base then 1 else currency.amount / nullif(currency.amount_cnt, 0) end, 2)
        as opportunity_in_base
    {%- endif %}
    {%- for column in columns %},
    {%- if column.is_multiple %}
    (
        select array_agg(items.value order by items.place)
        from (
            select
                {{ read(column, "item.value") }} as value,
                item.place
            from
                jsonb_array_elements(public.b24_items(entity.custom_fields -> {{ column.key }}))
                with ordinality as item (value, place)
        ) as items
        where items.value is not null
    ) as {{ column.name }}
    {%- else %}
    {{ read(column, "(entity.custom_fields -> " ~ column.key ~ ")") }} as {{ column.name }}
    {%- endif %}
    {%- endfor %}
from {{ relation }} as entity
{%- if part %}
-- the codes of stages are the portal's own, of whichever pipeline
left join lateral (
    select
        known.status_name,
        known.status_semantics
    from public.bitrix24_pipeline_stages as known
    where
        known.user_account_id = entity.user_account_id
        and known.entity_type = entity.entity_type
        and known.status_id = entity.stage_id
    order by known.category_id is not distinct from entity.category_id desc, known.deleted_at desc nulls first
    limit 1
) as stage on true
left join public.bitrix24_currencies as currency
    on entity.user_account_id = currency.user_account_id and entity.currency_id = currency.currency
{%- endif %}
where
    entity.user_account_id = {{ account }} and entity.deleted_at is null
    {%- if part %}
    and entity.entity_type = {{ part }}
    {%- endif %}
    {%- if leaves_out_templates %}
    and entity.is_recurring is not true
    {%- endif %};

-- name: create_schema
-- A portal's own schema.
create schema {{ schema }};

-- name: rename_schema
-- The portal has another name; rights and views on it stay.
alter schema {{ schema }} rename to {{ name }};

-- name: drop_schema
-- The portal is gone.
drop schema if exists {{ schema }} cascade;

-- name: comment_on_schema
-- What psql's \dn+ shows.
comment on schema {{ schema }} is {{ comment }};

-- name: wait_shortly
-- A view that somebody reads just now is left for the next time, so that readers do not queue up behind us.
set local lock_timeout = '1s';
