{{ config(
    unique_key=['way_key', 'day', 'is_end'],
    indexes=[{'columns': ['stage_key', 'day']}, {'columns': ['previous_stage_key']}],
    meta={'empty_when': 'entities = 0'}
) }}

with visits as (

    {% if var("by_change") %}
        select * from {{ differences('int_stage_interval') }}
    {% else %}
        select
            visit.*,
            1 as times
        from {{ ref('int_stage_interval') }} as visit
    {% endif %}

),

-- one key and one day are grouped in a fourth of the time that the columns behind them take
moves as (

    select
        way_key,
        min(stage_key) as stage_key,
        coalesce(min(previous_stage_key), 0) as previous_stage_key,
        entered_on as day,
        false as is_end,
        sum(times) as entities
    from visits
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
        sum(times) as entities
    from visits
    where
        counted_until < 'infinity'
        and entered_at < counted_until
        and coalesce(exited_at, 'infinity') >= counted_until
    group by stage_key, day

),

counted as (

    select * from moves
    union all
    select * from deletions

),

final as (

    select
        counted.way_key,
        counted.stage_key,
        counted.previous_stage_key,
        counted.day,
        counted.is_end,
        {% if var("by_change") %}
            counted.entities + coalesce(known.entities, 0) as entities
        {% else %}
            counted.entities
        {% endif %}
    from counted
    {% if var("by_change") %}
        left join {{ this }} as known
            on
                counted.way_key = known.way_key
                and counted.day = known.day
                and counted.is_end = known.is_end
    {% endif %}

)

select * from final
