{{ config(unique_key='row_key', meta={'within': 'int_touched_portal'}) }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

stages as (

    select * from {{ ref('int_stage') }}
    {% if var("by_change") %}
        where user_account_id in (select touched.user_account_id from {{ ref('int_touched_portal') }} as touched)
    {% endif %}

),

counted as (

    select
        stage_key,
        nullif(utm_campaign, '') as utm_campaign,
        nullif(utm_content, '') as utm_content,
        entities,
        qualified
    from {{ ref('int_campaign_count') }}

),

totalled as (

    select
        stages.*,
        counted.utm_campaign,
        counted.utm_content,
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
        round(100.0 * totalled.entities / totalled.total, 2) as percentage,
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
