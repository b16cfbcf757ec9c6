{{ config(materialized='table', unique_key=['way_key', 'day', 'is_end']) }}

-- one key and one day are grouped in a fourth of the time that the columns behind them take
with moves as (

    select
        way_key,
        min(stage_key) as stage_key,
        coalesce(min(previous_stage_key), 0) as previous_stage_key,
        entered_on as day,
        false as is_end,
        count(*) as entities
    from {{ ref('int_stage_interval') }}
    where entered_at < counted_until
    group by way_key, entered_on

),

-- who is deleted leaves the stage where it stood then
deletions as (

    select
        stage_key as way_key,
        stage_key,
        0::bigint as previous_stage_key,
        (counted_until at time zone time_zone)::date as day,
        true as is_end,
        count(*) as entities
    from {{ ref('int_stage_interval') }}
    where
        counted_until < 'infinity'
        and entered_at < counted_until
        and coalesce(exited_at, 'infinity') >= counted_until
    group by stage_key, day

),

final as (

    select * from moves
    union all
    select * from deletions

)

select * from final
