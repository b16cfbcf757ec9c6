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
        visit.stage_key as way_key,
        visit.stage_key,
        0::bigint as previous_stage_key,
        (visit.counted_until at time zone visit.time_zone)::date as day,
        true as is_end,
        count(*) as entities
    from {{ ref('int_entity') }} as entity
    inner join {{ ref('int_stage_interval') }} as visit
        on
            entity.user_account_id = visit.user_account_id
            and entity.entity_type = visit.entity_type
            and entity.entity_id = visit.entity_id
    where
        entity.counted_until > '-infinity'
        and entity.counted_until < 'infinity'
        and visit.entered_at < visit.counted_until
        and coalesce(visit.exited_at, 'infinity') >= visit.counted_until
    group by visit.stage_key, day

),

final as (

    select * from moves
    union all
    select * from deletions

)

select * from final
