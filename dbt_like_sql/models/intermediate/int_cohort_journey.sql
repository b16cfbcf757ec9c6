{{ config(materialized='table', unique_key='row_key') }}

-- there are few ways beside the many that go them
with counted as (

    select
        date_trunc('month', journey.date_create at time zone portals.time_zone)::date as cohort_month,
        journey.stage_keys,
        journey.visits_by_day_7,
        journey.visits_by_day_14,
        journey.visits_by_day_30,
        journey.visits_by_day_60,
        journey.visits_by_day_90,
        count(*) as entities
    from {{ ref('int_journey') }} as journey
    inner join {{ ref('stg_portals') }} as portals on journey.user_account_id = portals.user_account_id
    where journey.is_counted and journey.date_create is not null
    group by
        cohort_month, journey.stage_keys, journey.visits_by_day_7, journey.visits_by_day_14,
        journey.visits_by_day_30, journey.visits_by_day_60, journey.visits_by_day_90

),

final as (

    select
        counted.*,
        md5(
            concat_ws(
                ':', cohort_month, stage_keys, visits_by_day_7, visits_by_day_14, visits_by_day_30,
                visits_by_day_60, visits_by_day_90
            )
        )::uuid as row_key
    from counted

)

select * from final
