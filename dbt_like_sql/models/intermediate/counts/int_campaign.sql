{{ config(
    unique_key=['user_account_id', 'entity_type', 'utm_campaign'],
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

counted as (

    select
        user_account_id,
        entity_type,
        utm_campaign,
        sum(times) as entities
    from journeys
    where is_counted and utm_campaign <> ''
    group by user_account_id, entity_type, utm_campaign

),

final as (

    select
        counted.user_account_id,
        counted.entity_type,
        counted.utm_campaign,
        {% if var("by_change") %}
            counted.entities + coalesce(known.entities, 0) as entities
        {% else %}
            counted.entities
        {% endif %}
    from counted
    {% if var("by_change") %}
        left join {{ this }} as known
            on
                counted.user_account_id = known.user_account_id
                and counted.entity_type = known.entity_type
                and counted.utm_campaign = known.utm_campaign
    {% endif %}

)

select * from final
