{{ config(unique_key=['portal', 'entity_type', 'category_id', 'cohort_month']) }}

with
{% if var("by_change") %}
    reaches as (

        select * from {{ differences('int_reach') }}
        where cohort_month > '-infinity'

    ),

    relabelled as (

        select * from {{ ref('int_relabelled_portal') }}

    ),

    names as (

        select
            user_account_id,
            portal
        from {{ ref('int_portal') }}
        union
        select * from relabelled

    ),

    -- with those that are no more
    stages as (

        select
            user_account_id,
            entity_type,
            category_id,
            pipeline_key,
            stage_key
        from {{ ref('int_stage') }}
        union
        select
            user_account_id,
            entity_type,
            category_id,
            pipeline_key,
            stage_key
        from {{ replaced('int_stage') }}

    ),

    pipelines as (

        select distinct
            user_account_id,
            entity_type,
            category_id,
            pipeline_key
        from stages

    ),

    -- months of which an age has been reached by all since the copy went as far as before
    ripened as (

        select
            portals.user_account_id,
            months.month::date as cohort_month
        from {{ written('int_portal_seen') }} as seen
        inner join {{ replaced('int_portal_seen') }} as before on seen.user_account_id = before.user_account_id
        inner join {{ ref('int_portal') }} as portals on seen.user_account_id = portals.user_account_id
        cross join (values (7), (14), (30), (60), (90)) as ages (age_days)
        cross join lateral generate_series(
            date_trunc('month', before.seen_at at time zone portals.time_zone) - interval '5 months',
            seen.seen_at at time zone portals.time_zone,
            interval '1 month'
        ) as months (month)
        where
            (months.month + interval '1 month') at time zone portals.time_zone
            + ages.age_days * interval '24 hours' between before.seen_at and seen.seen_at

    ),

    touched as (

        select
            stages.pipeline_key,
            reaches.cohort_month
        from reaches
        inner join stages on reaches.stage_key = stages.stage_key

        union

        select
            pipelines.pipeline_key,
            ripened.cohort_month
        from ripened
        inner join pipelines on ripened.user_account_id = pipelines.user_account_id

        union

        select
            stages.pipeline_key,
            reach.cohort_month
        from relabelled
        inner join stages on relabelled.user_account_id = stages.user_account_id
        inner join {{ ref('int_reach') }} as reach on stages.stage_key = reach.stage_key
        where reach.cohort_month > '-infinity'

    ),

    final as (

        select
            names.portal,
            pipelines.entity_type,
            pipelines.category_id,
            touched.cohort_month,
            touched.pipeline_key
        from touched
        inner join pipelines on touched.pipeline_key = pipelines.pipeline_key
        inner join names on pipelines.user_account_id = names.user_account_id

    )

{% else %}
    final as (

        select
            portals.portal,
            stages.entity_type,
            stages.category_id,
            reach.cohort_month,
            stages.pipeline_key
        from {{ ref('int_reach') }} as reach
        inner join {{ ref('int_stage') }} as stages on reach.stage_key = stages.stage_key
        inner join {{ ref('int_portal') }} as portals on stages.user_account_id = portals.user_account_id
        where false

    )

{% endif %}
select * from final
