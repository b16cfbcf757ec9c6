{{ config(materialized='view') }}

with buckets as (

    select
        buckets.*,
        sum(visits) over (partition by stage_key order by duration_bucket) - visits as visits_before
    from {{ ref('int_duration_count') }} as buckets

),

finished as (

    select
        stage_key,
        sum(visits)::bigint as visits,
        sum(seconds) as seconds
    from buckets
    group by stage_key

),

-- the one or two in the middle are found in their bucket by the index, without sorting a million
middle as (

    select
        finished.stage_key,
        avg(visit.counted_duration) as median_duration
    from finished
    cross join lateral (
        values ((finished.visits - 1) / 2), (finished.visits / 2)
    ) as ranks (visits_shorter)
    inner join buckets
        on
            finished.stage_key = buckets.stage_key
            and ranks.visits_shorter >= buckets.visits_before
            and ranks.visits_shorter < buckets.visits_before + buckets.visits
    cross join lateral (
        select visit.counted_duration
        from {{ ref('int_stage_interval') }} as visit
        where
            visit.stage_key = buckets.stage_key
            and visit.duration_bucket = buckets.duration_bucket
        order by visit.stage_key, visit.duration_bucket, visit.counted_duration
        limit 1
        offset (ranks.visits_shorter - buckets.visits_before)
    ) as visit
    group by finished.stage_key

),

final as (

    select
        finished.stage_key,
        round(finished.seconds / finished.visits, 3) as mean_seconds,
        round(extract(epoch from middle.median_duration), 3) as median_seconds
    from finished
    inner join middle on finished.stage_key = middle.stage_key

)

select * from final
