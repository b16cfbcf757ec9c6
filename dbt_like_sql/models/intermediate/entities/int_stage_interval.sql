{{ config(
    unique_key=['user_account_id', 'entity_type', 'entity_id', 'visit_number'],
    indexes=[
        {'columns': ['stage_key', 'duration_bucket', 'counted_duration']},
        {'columns': ['stage_key', 'exited_at', 'counted_duration', 'assigned_by_id']},
    ],
    meta={'replaces': 'int_changed_entity'}
) }}

with final as (

    {% if var("by_change") %}
        select visit.*
        from {{ ref('int_changed_entity') }} as changed
        -- offset 0 makes the planner look up each by its key: it does not know how few they are
        cross join lateral (
            select *
            from {{ ref('int_computed_interval') }} as computed
            where
                computed.user_account_id = changed.user_account_id
                and computed.entity_type = changed.entity_type
                and computed.entity_id = changed.entity_id
            offset 0  -- noqa: AM09
        ) as visit
    {% else %}
        select * from {{ ref('int_computed_interval') }}
    {% endif %}

)

select * from final
