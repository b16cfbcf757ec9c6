{{ config(unique_key='way_key', meta={'empty_when': 'entities = 0'}) }}

with flows as (

    {% if var("by_change") %}
        select * from {{ differences('int_flow') }}
    {% else %}
        select
            flow.*,
            1 as times
        from {{ ref('int_flow') }} as flow
    {% endif %}

),

counted as (

    select
        way_key,
        min(stage_key) as stage_key,
        min(previous_stage_key) as previous_stage_key,
        sum(times * entities)::bigint as entities
    from flows
    where not is_end
    group by way_key

),

final as (

    select
        counted.way_key,
        counted.stage_key,
        counted.previous_stage_key,
        {% if var("by_change") %}
            counted.entities + coalesce(known.entities, 0) as entities
        {% else %}
            counted.entities
        {% endif %}
    from counted
    {% if var("by_change") %}
        left join {{ this }} as known on counted.way_key = known.way_key
    {% endif %}

)

select * from final
