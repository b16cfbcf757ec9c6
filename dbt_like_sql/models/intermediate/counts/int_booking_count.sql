{{ config(
    unique_key=['booked_key', 'currency_id', 'day'],
    meta={'empty_when': 'deals = 0'}
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
        booking.booked_key,
        journeys.currency_id,
        booking.day,
        sum(journeys.times) as deals,
        coalesce(sum(journeys.times * journeys.opportunity), 0) as amount
    from journeys
    cross join lateral unnest(journeys.booked_keys, journeys.booked_on) as booking (booked_key, day)
    where journeys.booked_keys is not null
    group by booking.booked_key, journeys.currency_id, booking.day

),

final as (

    select
        counted.booked_key,
        counted.currency_id,
        counted.day,
        {% if var("by_change") %}
            counted.deals + coalesce(known.deals, 0) as deals,
            -- digits that are no part of the sum would tell in which order it was made
            trim_scale(counted.amount + coalesce(known.amount, 0)) as amount
        {% else %}
            counted.deals,
            trim_scale(counted.amount) as amount
        {% endif %}
    from counted
    {% if var("by_change") %}
        left join {{ this }} as known
            on
                counted.booked_key = known.booked_key
                and counted.currency_id = known.currency_id
                and counted.day = known.day
    {% endif %}

)

select * from final
