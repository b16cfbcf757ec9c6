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
        stage_key,
        opportunity,
        -- XXX is ISO 4217's code for no currency
        coalesce(currency_id, 'XXX') as currency_id
    from {{ ref('int_entity') }}
    where is_counted and status_id is not null

),

qualified_by_field as (

    select
        user_account_id,
        entity_type,
        entity_id
    from {{ ref('stg_qualification') }}
    where is_qualified

),

-- entities that have been in the same stages in the same order are counted together
journeys as (

    select
        row_number() over () as journey_number,
        journey.stage_keys,
        qualified_by_field.entity_id is not null as is_qualified_by_field,
        count(*) as entities
    from {{ ref('int_journey') }} as journey
    left join qualified_by_field
        on
            journey.user_account_id = qualified_by_field.user_account_id
            and journey.entity_type = qualified_by_field.entity_type
            and journey.entity_id = qualified_by_field.entity_id
    where journey.is_counted
    group by journey.stage_keys, qualified_by_field.entity_id is not null

),

-- in whatever pipeline it was: who is qualified is so in all of them
been_in as (

    select distinct
        journeys.journey_number,
        journeys.entities,
        journeys.is_qualified_by_field
        or journeys.stage_keys && (
            select array_agg(qualifying.stage_key)
            from stages as qualifying
            where qualifying.is_qualified_stage
        ) as is_qualified,
        stages.stage_key,
        stages.pipeline_key,
        stages.furthest_sort
    from journeys
    cross join lateral unnest(journeys.stage_keys) as visit (stage_key)
    inner join stages on visit.stage_key = stages.stage_key

),

reached as (

    select
        stage_key,
        sum(entities)::bigint as reached,
        sum(entities) filter (where is_qualified)::bigint as qualified
    from been_in
    group by stage_key

),

furthest as (

    select
        pipeline_key,
        journey_number,
        max(furthest_sort) as furthest_sort,
        max(entities) as entities
    from been_in
    group by pipeline_key, journey_number

),

entered as (

    select
        pipeline_key,
        sum(entities)::bigint as entered
    from furthest
    group by pipeline_key

),

passed as (

    select
        stages.stage_key,
        sum(furthest.entities)::bigint as passed
    from stages
    inner join furthest
        on
            stages.pipeline_key = furthest.pipeline_key
            and stages.furthest_sort <= furthest.furthest_sort
    group by stages.stage_key

),

finished as (

    select
        stage_key,
        count(*) as visits,
        avg(counted_duration) as mean_duration
    from {{ ref('int_stage_interval') }}
    where counted_duration is not null
    group by stage_key

),

-- the one or two in the middle are found by the index, without sorting a million
durations as (

    select
        finished.stage_key,
        round(extract(epoch from finished.mean_duration), 3) as mean_seconds,
        (
            select round(extract(epoch from avg(middle.counted_duration)), 3)
            from (
                select visit.counted_duration
                from {{ ref('int_stage_interval') }} as visit
                where visit.stage_key = finished.stage_key and visit.counted_duration is not null
                order by visit.counted_duration
                limit (2 - finished.visits % 2)
                offset ((finished.visits - 1) / 2)
            ) as middle
        ) as median_seconds
    from finished

),

-- money in different currencies is never added up
amounts as (

    select
        stage_key,
        currency_id,
        count(*) as entities,
        sum(opportunity) as amount
    from entities
    group by stage_key, currency_id

),

in_stage as (

    select
        stage_key,
        sum(entities)::bigint as in_stage,
        count(*) filter (where amount is not null) as currencies,
        max(currency_id) filter (where amount is not null) as currency_id,
        sum(amount) as amount,
        jsonb_object_agg(currency_id, amount) filter (where amount is not null) as amounts_by_currency
    from amounts
    group by stage_key

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
        coalesce(passed.passed, reached.reached, 0) as reached_implied,
        coalesce(reached.qualified, 0) as qualified
    from stages
    left join in_stage on stages.stage_key = in_stage.stage_key
    left join entered on stages.pipeline_key = entered.pipeline_key
    left join reached on stages.stage_key = reached.stage_key
    left join passed on stages.stage_key = passed.stage_key
    left join durations on stages.stage_key = durations.stage_key

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
        counted.qualified,
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
            earlier.pipeline_key = counted.pipeline_key
            and earlier.semantics = 'process'
            and not earlier.is_deleted
            and earlier.status_sort < counted.status_sort
        order by earlier.status_sort desc, earlier.status_id desc
        limit 1
    ) as step_before on true

)

select * from final
