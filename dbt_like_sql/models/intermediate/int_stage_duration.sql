{{ config(materialized='view') }}

with finished as (

    select
        stage_key,
        count(*) as visits,
        avg(counted_duration) as mean_duration
    from {{ ref('int_stage_interval') }}
    where counted_duration is not null
    group by stage_key

),

-- the one or two in the middle are found by the index, without sorting a million
final as (

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

)

select * from final
