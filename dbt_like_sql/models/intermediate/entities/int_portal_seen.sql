{{ config(unique_key='user_account_id') }}

with moments as (

    {% if var("by_change") %}
        select
            user_account_id,
            seen_at
        from {{ this }}

        union all

        select
            user_account_id,
            loaded_at as seen_at
        from {{ written('int_entity') }}

        union all

        select
            changed.user_account_id,
            history.loaded_at as seen_at
        from {{ ref('int_changed_entity') }} as changed
        cross join lateral (
            select max(history.loaded_at) as loaded_at
            from {{ ref('stg_status_history') }} as history
            where
                history.user_account_id = changed.user_account_id
                and history.entity_type = changed.entity_type
                and history.entity_id = changed.entity_id
        ) as history
    {% else %}
        select
            user_account_id,
            max(loaded_at) as seen_at
        from {{ ref('int_entity') }}
        group by user_account_id

        union all

        select
            user_account_id,
            max(loaded_at) as seen_at
        from {{ ref('stg_status_history') }}
        group by user_account_id
    {% endif %}

),

final as (

    select
        moments.user_account_id,
        max(moments.seen_at) as seen_at
    from moments
    inner join {{ ref('stg_portals') }} as portals on moments.user_account_id = portals.user_account_id
    group by moments.user_account_id

)

select * from final
