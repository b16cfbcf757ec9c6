{{ config(
    unique_key='row_key',
    meta={'within': 'int_relabelled_portal', 'and_keys': True, 'empty_when': 'count = 0'}
) }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}

),

{% if var("by_change") %}
    -- what changed in one of their rows changes the total of all
    changed_groups as (

        select
            stages.user_account_id,
            stages.entity_type,
            changed.utm_campaign,
            changed.utm_content
        from {{ replaced('int_campaign_count') }} as changed
        inner join stages on changed.stage_key = stages.stage_key

        union

        select
            stages.user_account_id,
            stages.entity_type,
            changed.utm_campaign,
            changed.utm_content
        from {{ written('int_campaign_count') }} as changed
        inner join stages on changed.stage_key = stages.stage_key

    ),

    counted as (

        select of_group.*
        from changed_groups
        cross join lateral (
            select *
            from {{ ref('int_campaign_count') }} as counted
            where
                counted.utm_campaign = changed_groups.utm_campaign
                and counted.utm_content = changed_groups.utm_content
            offset 0  -- noqa: AM09
        ) as of_group
        inner join stages
            on
                of_group.stage_key = stages.stage_key
                and changed_groups.user_account_id = stages.user_account_id
                and changed_groups.entity_type = stages.entity_type

        union

        select counted.*
        from {{ ref('int_relabelled_portal') }} as relabelled
        inner join stages on relabelled.user_account_id = stages.user_account_id
        inner join {{ ref('int_campaign_count') }} as counted on stages.stage_key = counted.stage_key

        union

        -- where nobody stands any more
        select
            before.stage_key,
            before.utm_campaign,
            before.utm_content,
            0 as entities,
            0 as qualified
        from {{ replaced('int_campaign_count') }} as before
        left join {{ written('int_campaign_count') }} as after
            on
                before.stage_key = after.stage_key
                and before.utm_campaign = after.utm_campaign
                and before.utm_content = after.utm_content
        where after.stage_key is null

    ),

{% else %}
    counted as (

        select * from {{ ref('int_campaign_count') }}

    ),

{% endif %}
totalled as (

    select
        stages.*,
        nullif(counted.utm_campaign, '') as utm_campaign,
        nullif(counted.utm_content, '') as utm_content,
        counted.entities,
        counted.qualified,
        sum(counted.entities) over (
            partition by stages.user_account_id, stages.entity_type, counted.utm_campaign, counted.utm_content
        )::bigint as total
    from counted
    inner join stages on counted.stage_key = stages.stage_key

),

final as (

    select
        portals.portal,
        totalled.entity_type,
        totalled.utm_campaign,
        totalled.utm_content,
        totalled.category_id,
        totalled.category_name,
        totalled.status_id,
        totalled.status_name,
        totalled.status_sort,
        totalled.semantics,
        totalled.is_deleted,
        totalled.total,
        totalled.entities as count,
        round(100.0 * totalled.entities / nullif(totalled.total, 0), 2) as percentage,
        totalled.qualified,
        md5(
            jsonb_build_array(
                totalled.user_account_id, totalled.entity_type, totalled.utm_campaign,
                totalled.utm_content, totalled.category_id, totalled.status_id
            )::text
        )::uuid as row_key
    from totalled
    inner join portals on totalled.user_account_id = portals.user_account_id

)

select * from final
