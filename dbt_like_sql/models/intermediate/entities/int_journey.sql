{{ config(
    unique_key=['user_account_id', 'entity_type', 'entity_id'],
    indexes=[
        {'columns': ['user_account_id', 'entity_type', 'date_create']},
        {
            'columns': [
                'user_account_id', 'entity_type', 'outcome', 'closed_on', 'category_id', 'assigned_by_id', 'currency_id',
                'opportunity', 'closed_after', 'source_id', 'utm_campaign'
            ]
        },
        {'columns': ['open_stage_key', 'open_stage_since', 'assigned_by_id', 'date_create', 'entity_id']},
    ],
    meta={'replaces': 'int_changed_journey'}
) }}

with final as (

    {% if var("by_change") %}
        select journey.*
        from {{ ref('int_changed_journey') }} as changed
        -- offset 0 makes the planner look up each by its key: it does not know how few they are
        cross join lateral (
            select *
            from {{ ref('int_computed_journey') }} as computed
            where
                computed.user_account_id = changed.user_account_id
                and computed.entity_type = changed.entity_type
                and computed.entity_id = changed.entity_id
            offset 0  -- noqa: AM09
        ) as journey
    {% else %}
        select * from {{ ref('int_computed_journey') }}
    {% endif %}

)

select * from final
