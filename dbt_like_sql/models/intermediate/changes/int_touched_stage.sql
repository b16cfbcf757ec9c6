{{ config(unique_key=['portal', 'entity_type', 'category_id', 'status_id']) }}

with
{% if var("by_change") %}
    stages as (

        select
            user_account_id,
            entity_type,
            category_id,
            status_id,
            stage_key
        from {{ ref('int_stage') }}

    ),

    relabelled as (

        select * from {{ ref('int_relabelled_portal') }}

    ),

    -- every name that rows of a portal have or had
    names as (

        select
            user_account_id,
            portal
        from {{ ref('int_portal') }}
        union
        select * from relabelled

    ),

    -- the rows of all stages of a portal reach to its last day
    whole_portals as (

        select user_account_id from relabelled
        union
        select user_account_id from {{ written('int_last_day') }}
        union
        select user_account_id from {{ replaced('int_last_day') }}

    ),

    touched as (

        -- a visit is counted in its own stage, and where it came from
        select stages.*
        from {{ differences('int_flow') }}
        cross join lateral (
            values (differences.stage_key), (differences.previous_stage_key)
        ) as ends (stage_key)
        inner join stages on ends.stage_key = stages.stage_key

        union

        select stages.*
        from whole_portals
        inner join stages on whole_portals.user_account_id = stages.user_account_id

        union

        select
            user_account_id,
            entity_type,
            category_id,
            status_id,
            stage_key
        from {{ replaced('int_stage') }}

    ),

    final as (

        select
            names.portal,
            touched.entity_type,
            touched.category_id,
            touched.status_id,
            touched.stage_key
        from touched
        inner join names on touched.user_account_id = names.user_account_id

    )

{% else %}
    final as (

        select
            portals.portal,
            stages.entity_type,
            stages.category_id,
            stages.status_id,
            stages.stage_key
        from {{ ref('int_stage') }} as stages
        inner join {{ ref('int_portal') }} as portals on stages.user_account_id = portals.user_account_id
        where false

    )

{% endif %}
select * from final
