{{ config(unique_key=['stage_key', 'duration_bucket'], meta={'empty_when': 'visits = 0'}) }}

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

counted as (

    select
        stage_key,
        duration_bucket,
        sum(times) as visits,
        sum(times * extract(epoch from counted_duration)) as seconds
    from visits
    where counted_duration is not null
    group by stage_key, duration_bucket

),

final as (

    select
        counted.stage_key,
        counted.duration_bucket,
        {% if var("by_change") %}
            counted.visits + coalesce(known.visits, 0) as visits,
            trim_scale(counted.seconds + coalesce(known.seconds, 0)) as seconds
        {% else %}
            counted.visits,
            trim_scale(counted.seconds) as seconds
        {% endif %}
    from counted
    {% if var("by_change") %}
        left join {{ this }} as known
            on counted.stage_key = known.stage_key and counted.duration_bucket = known.duration_bucket
    {% endif %}

)

select * from final
