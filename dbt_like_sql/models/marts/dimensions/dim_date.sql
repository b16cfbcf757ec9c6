{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

-- the first portals are of 2012; plans reach into the year after next
days as (

    select day::date as day
    from generate_series(
        timestamp '2012-01-01', date_trunc('year', now() at time zone 'UTC') + interval '3 years' - interval '1 day',
        interval '1 day'
    ) as day

),

final as (

    select
        portals.portal,
        days.day,
        extract(year from days.day)::integer as year,
        extract(quarter from days.day)::integer as quarter,
        date_trunc('month', days.day)::date as month,
        date_trunc('week', days.day)::date as week,
        extract(isoyear from days.day)::integer as iso_year,
        extract(week from days.day)::integer as iso_week,
        extract(isodow from days.day)::integer as weekday,
        extract(isodow from days.day) > 5 as is_weekend
    from portals
    cross join days

)

select * from final
