{{ config(materialized='view') }}

with reach as (

    select
        stage_key,
        raised_above,
        sum(entered)::bigint as entered,
        sum(reached)::bigint as reached,
        sum(reached_strict)::bigint as reached_strict,
        sum(qualified)::bigint as qualified
    from {{ ref('int_reach') }}
    group by stage_key, raised_above

),

of_stages as (

    select
        stage_key,
        sum(entered)::bigint as entered,
        sum(reached)::bigint as reached,
        sum(reached_strict)::bigint as reached_strict,
        sum(qualified)::bigint as qualified
    from reach
    group by stage_key

),

rules as (

    select * from {{ ref('int_stage_rule') }}

),

of_pipelines as (

    select
        rules.pipeline_key,
        sum(of_stages.entered)::bigint as entered
    from of_stages
    inner join rules on of_stages.stage_key = rules.stage_key
    group by rules.pipeline_key

),

-- who came further than ever before has passed every stage in between
implied as (

    select
        passed.stage_key,
        sum(reach.reached)::bigint as reached_implied
    from reach
    inner join rules as raised on reach.stage_key = raised.stage_key
    inner join rules as passed
        on
            raised.pipeline_key = passed.pipeline_key
            and reach.raised_above < passed.furthest_sort
            and raised.furthest_sort >= passed.furthest_sort
    group by passed.stage_key

),

final as (

    select
        rules.stage_key,
        coalesce(of_pipelines.entered, 0) as entered,
        coalesce(of_stages.reached, 0) as reached,
        case
            when rules.furthest_sort is null then coalesce(of_stages.reached, 0)
            else coalesce(implied.reached_implied, 0)
        end as reached_implied,
        coalesce(of_stages.reached_strict, 0) as reached_strict,
        coalesce(of_stages.qualified, 0) as qualified
    from rules
    left join of_pipelines on rules.pipeline_key = of_pipelines.pipeline_key
    left join of_stages on rules.stage_key = of_stages.stage_key
    left join implied on rules.stage_key = implied.stage_key

)

select * from final
