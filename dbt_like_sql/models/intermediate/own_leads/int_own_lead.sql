{{ config(
    unique_key=['own_lead_id', 'entity_type'],
    indexes=[{'columns': ['entity_id', 'entity_type', 'user_account_id']}],
    meta={'replaces': 'int_changed_own_lead'}
) }}

with final as (

    {% if var("by_change") %}
        select own_lead.*
        from {{ ref('int_changed_own_lead') }} as changed
        -- offset 0 makes the planner look up each by its key: it does not know how few they are
        cross join lateral (
            select *
            from {{ ref('int_computed_own_lead') }} as computed
            where computed.own_lead_id = changed.own_lead_id
            offset 0  -- noqa: AM09
        ) as own_lead
    {% else %}
        select * from {{ ref('int_computed_own_lead') }}
    {% endif %}

)

select * from final
