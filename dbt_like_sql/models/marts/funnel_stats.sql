{{ config(materialized='table', unique_key=['portal', 'entity_type', 'category_id', 'status_id']) }}

with stages as (

    select
        stage.*,
        case when semantics != 'failure' and not is_deleted then status_sort end as furthest_sort
    from {{ ref('int_stage') }} as stage

),

portals as (

    select * from {{ ref('stg_portals') }}

),

entities as (

    select
        stages.stage_number,
        stages.pipeline_number,
        stages.furthest_sort,
        entity.entity_id,
        entity.opportunity,
        -- XXX is ISO 4217's code for no currency
        coalesce(entity.currency_id, 'XXX') as currency_id
    from {{ ref('int_entity') }} as entity
    inner join stages
        on
            entity.user_account_id = stages.user_account_id
            and entity.entity_type = stages.entity_type
            and entity.category_id = stages.category_id
            and entity.status_id = stages.status_id
    where entity.is_counted

),

visits as (

    select
        stages.stage_number,
        stages.pipeline_number,
        stages.furthest_sort,
        visit.entity_id,
        visit.exited_at - visit.entered_at as duration
    from {{ ref('int_stage_interval') }} as visit
    inner join stages
        on
            visit.user_account_id = stages.user_account_id
            and visit.entity_type = stages.entity_type
            and visit.category_id = stages.category_id
            and visit.status_id = stages.status_id
    where visit.is_counted

),

-- each entity once for each stage that it has ever been in, the present one included
been_in as (

    select
        stage_number,
        pipeline_number,
        furthest_sort,
        entity_id
    from visits

    union

    select
        stage_number,
        pipeline_number,
        furthest_sort,
        entity_id
    from entities

),

reached as (

    select
        stage_number,
        count(*) as reached
    from been_in
    group by stage_number

),

furthest as (

    select
        pipeline_number,
        entity_id,
        max(furthest_sort) as furthest_sort
    from been_in
    group by pipeline_number, entity_id

),

furthest_counts as (

    select
        pipeline_number,
        furthest_sort,
        count(*) as entities
    from furthest
    group by pipeline_number, furthest_sort

),

entered as (

    select
        pipeline_number,
        sum(entities)::bigint as entered
    from furthest_counts
    group by pipeline_number

),

passed as (

    select
        stages.stage_number,
        sum(furthest_counts.entities)::bigint as passed
    from stages
    inner join furthest_counts
        on
            stages.pipeline_number = furthest_counts.pipeline_number
            and stages.furthest_sort <= furthest_counts.furthest_sort
    group by stages.stage_number

),

durations as (

    select
        stage_number,
        round(
            percentile_cont(0.5) within group (order by date_part('epoch', duration))::numeric, 3
        ) as median_seconds,
        round(avg(extract(epoch from duration)), 3) as mean_seconds
    from visits
    where duration is not null
    group by stage_number

),

-- money in different currencies is never added up
amounts as (

    select
        stage_number,
        currency_id,
        count(*) as entities,
        sum(opportunity) as amount
    from entities
    group by stage_number, currency_id

),

in_stage as (

    select
        stage_number,
        sum(entities)::bigint as in_stage,
        count(*) filter (where amount is not null) as currencies,
        max(currency_id) filter (where amount is not null) as currency_id,
        sum(amount) as amount,
        jsonb_object_agg(currency_id, amount) filter (where amount is not null) as amounts_by_currency
    from amounts
    group by stage_number

),

counted as (

    select
        stages.*,
        in_stage.currencies,
        in_stage.currency_id,
        in_stage.amount,
        durations.median_seconds,
        durations.mean_seconds,
        coalesce(in_stage.in_stage, 0) as in_stage,
        coalesce(in_stage.amounts_by_currency, '{}') as amounts_by_currency,
        coalesce(entered.entered, 0) as entered,
        coalesce(reached.reached, 0) as reached,
        coalesce(passed.passed, reached.reached, 0) as reached_implied
    from stages
    left join in_stage on stages.stage_number = in_stage.stage_number
    left join entered on stages.pipeline_number = entered.pipeline_number
    left join reached on stages.stage_number = reached.stage_number
    left join passed on stages.stage_number = passed.stage_number
    left join durations on stages.stage_number = durations.stage_number

),

final as (

    select
        portals.portal,
        counted.entity_type,
        counted.category_id,
        counted.category_name,
        counted.status_id,
        counted.status_name,
        counted.status_sort,
        counted.semantics,
        counted.is_deleted,
        counted.in_stage,
        case
            when counted.currencies > 1 then null
            else coalesce(counted.amount, 0)
        end as amount_in_stage,
        case when counted.currencies = 1 then nullif(counted.currency_id, 'XXX') end as currency_id,
        counted.amounts_by_currency,
        counted.entered,
        counted.reached,
        counted.reached_implied,
        round(counted.reached::numeric / nullif(counted.entered, 0), 6) as conversion_from_start,
        round(counted.reached::numeric / nullif(step_before.reached, 0), 6) as conversion_from_previous,
        counted.median_seconds,
        counted.mean_seconds
    from counted
    inner join portals on counted.user_account_id = portals.user_account_id
    left join lateral (
        select earlier.reached
        from counted as earlier
        where
            earlier.pipeline_number = counted.pipeline_number
            and earlier.semantics = 'process'
            and not earlier.is_deleted
            and earlier.status_sort < counted.status_sort
        order by earlier.status_sort desc, earlier.status_id desc
        limit 1
    ) as step_before on true

)

select * from final
