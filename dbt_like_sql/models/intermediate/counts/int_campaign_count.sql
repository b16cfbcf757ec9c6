{{ config(
    unique_key=['stage_key', 'utm_campaign', 'utm_content'],
    indexes=[{'columns': ['utm_campaign', 'utm_content']}],
    meta={'empty_when': 'entities = 0'}
) }}

with journeys as (

    {% if var("by_change") %}
        select * from {{ differences('int_journey') }}
    {% else %}
        select
            journey.*,
            1 as times
        from {{ ref('int_journey') }} as journey
    {% endif %}

),

-- who stands in a stage has it last in its journey
counted as (

    select
        stage_keys[cardinality(stage_keys)] as stage_key,
        coalesce(utm_campaign, '') as utm_campaign,
        coalesce(utm_content, '') as utm_content,
        sum(times) as entities,
        sum(case when is_qualified then times else 0 end) as qualified
    from journeys
    where is_counted
    group by stage_keys[cardinality(stage_keys)], coalesce(utm_campaign, ''), coalesce(utm_content, '')

),

final as (

    select
        counted.stage_key,
        counted.utm_campaign,
        counted.utm_content,
        {% if var("by_change") %}
            counted.entities + coalesce(known.entities, 0) as entities,
            counted.qualified + coalesce(known.qualified, 0) as qualified
        {% else %}
            counted.entities,
            counted.qualified
        {% endif %}
    from counted
    {% if var("by_change") %}
        left join {{ this }} as known
            on
                counted.stage_key = known.stage_key
                and counted.utm_campaign = known.utm_campaign
                and counted.utm_content = known.utm_content
    {% endif %}

)

select * from final
