{{ config(unique_key='user_account_id', meta={'empty_when': 'last_day is null'}) }}

with portals as (

    {% if var("by_change") %}
        select stages.user_account_id
        from {{ differences('int_flow') }}
        inner join {{ ref('int_stage') }} as stages on differences.stage_key = stages.stage_key
        union
        select user_account_id from {{ ref('int_relabelled_portal') }}
    {% else %}
        select user_account_id from {{ ref('int_portal') }}
    {% endif %}

),

final as (

    select
        portals.user_account_id,
        max(latest.day) as last_day
    from portals
    left join {{ ref('int_stage') }} as stages on portals.user_account_id = stages.user_account_id
    left join lateral (
        select max(flow.day) as day
        from {{ ref('int_flow') }} as flow
        where flow.stage_key = stages.stage_key
    ) as latest on true
    group by portals.user_account_id
    {% if not var("by_change") %}
        having max(latest.day) is not null
    {% endif %}

)

select * from final
