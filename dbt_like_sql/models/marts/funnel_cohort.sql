-- age_days is null in the rows of all ages, and so it is no part of the key by which rows are looked up
{{
    config(
        unique_key=['portal', 'entity_type', 'cohort_month', 'category_id', 'status_id', 'definition'],
        meta={'replaces': 'int_touched_cohort'}
    )
}}

with
{% if var("by_change") %}
    -- two portals may have had the same name, one after the other
    touched as (

        select distinct
            portal,
            entity_type,
            category_id,
            cohort_month
        from {{ ref('int_touched_cohort') }}

    ),

{% endif %}

counts as (

    {% if var("by_change") %}
        select counted.*
        from touched
        inner join {{ ref('int_cohort_reach') }} as counted
            on
                touched.portal = counted.portal
                and touched.entity_type = counted.entity_type
                and touched.category_id = counted.category_id
                and touched.cohort_month = counted.cohort_month
    {% else %}
        select * from {{ ref('int_cohort_reach') }}
    {% endif %}

),

stages as (

    select * from {{ ref('int_stage') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

-- how far the copy goes: this moment changes with the data alone, and so two builds of the same data agree
seen as (

    select * from {{ ref('int_portal_seen') }}

),

final as (

    select
        portals.portal,
        stages.entity_type,
        counts.cohort_month,
        stages.category_id,
        stages.category_name,
        stages.status_id,
        stages.status_name,
        stages.status_sort,
        counts.definition,
        ages.age_days,
        counts.entities,
        ages.reached,
        round(ages.reached::numeric / counts.entities, 6) as conversion,
        coalesce(
            (counts.cohort_month + interval '1 month') at time zone portals.time_zone
            + ages.age_days * interval '24 hours' <= seen.seen_at,
            false
        ) as is_mature
    from counts
    cross join lateral (
        values
        (7, counts.by_7),
        (14, counts.by_14),
        (30, counts.by_30),
        (60, counts.by_60),
        (90, counts.by_90),
        (null, counts.ever)
    ) as ages (age_days, reached)
    inner join stages on counts.stage_key = stages.stage_key
    inner join portals on stages.user_account_id = portals.user_account_id
    inner join seen on portals.user_account_id = seen.user_account_id

)

select * from final
