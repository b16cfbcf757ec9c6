{{ config(
    unique_key=['user_account_id', 'entity_type', 'entity_id'],
    meta={'replaces': 'int_changed_entity'}
) }}

with leads as (

    select
        user_account_id,
        'lead' as entity_type,
        lead_id as entity_id,
        0::bigint as category_id,
        status_id,
        status_semantic_id,
        opportunity,
        currency_id,
        date_create,
        nullif(utm_campaign, '') as utm_campaign,
        nullif(utm_content, '') as utm_content,
        source_id,
        assigned_by_id,
        coalesce(moved_time, date_create, loaded_at) as in_stage_since,
        coalesce(deleted_at, 'infinity') as counted_until,
        loaded_at
    from {{ ref('stg_leads') }}

),

deals as (

    select
        user_account_id,
        'deal' as entity_type,
        deal_id as entity_id,
        coalesce(category_id, 0) as category_id,
        status_id,
        status_semantic_id,
        opportunity,
        currency_id,
        date_create,
        nullif(utm_campaign, '') as utm_campaign,
        nullif(utm_content, '') as utm_content,
        source_id,
        assigned_by_id,
        coalesce(moved_time, date_create, loaded_at) as in_stage_since,
        -- a recurring deal is the template of deals to come and stands in no pipeline
        case when is_recurring then '-infinity' else coalesce(deleted_at, 'infinity') end as counted_until,
        loaded_at
    from {{ ref('stg_deals') }}

),

all_entities as (

    select * from leads
    union all
    select * from deals

),

entities as (

    {% if var("by_change") %}
        -- offset 0 makes the planner look up each by its key: it does not know how few they are
        select entity.*
        from {{ ref('int_changed_entity') }} as changed
        cross join lateral (
            select *
            from all_entities
            where
                all_entities.user_account_id = changed.user_account_id
                and all_entities.entity_type = changed.entity_type
                and all_entities.entity_id = changed.entity_id
            offset 0  -- noqa: AM09
        ) as entity
    {% else %}
        select * from all_entities
    {% endif %}

),

final as (

    select
        user_account_id,
        entity_type,
        entity_id,
        category_id,
        status_id,
        -- grouping and joining by one number takes a third of the time that four columns take
        hashtextextended(
            concat_ws(':', user_account_id, entity_type, category_id, status_id), 0
        ) as stage_key,
        case status_semantic_id
            when 'S' then 'success'
            when 'F' then 'failure'
            else 'process'
        end as semantics,
        opportunity,
        currency_id,
        date_create,
        utm_campaign,
        utm_content,
        source_id,
        assigned_by_id,
        in_stage_since,
        counted_until,
        counted_until = 'infinity' as is_counted,
        loaded_at
    from entities

)

select * from final
