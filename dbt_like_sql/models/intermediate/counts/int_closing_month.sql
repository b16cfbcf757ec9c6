{{ config(
    unique_key=['user_account_id', 'entity_type', 'category_id', 'currency_id', 'closed_month'],
    meta={'empty_when': 'opportunities = 0'}
) }}

with
{% if var("by_change") %}
    touched as (

        select distinct
            user_account_id,
            entity_type,
            category_id,
            currency_id,
            date_trunc('month', closed_on)::date as closed_month
        from {{ differences('int_journey') }}
        where closed_on is not null

    ),

    touched_months as (

        select distinct
            user_account_id,
            entity_type,
            closed_month
        from touched

    ),

    journeys as (

        select closed.*
        from touched_months
        -- offset 0 makes the planner look up each month: of many few are meant
        cross join lateral (
            select *
            from {{ ref('int_journey') }} as journey
            where
                journey.user_account_id = touched_months.user_account_id
                and journey.entity_type = touched_months.entity_type
                and journey.outcome in ('won', 'lost')
                and journey.closed_on >= touched_months.closed_month
                and journey.closed_on < touched_months.closed_month + interval '1 month'
            offset 0  -- noqa: AM09
        ) as closed

    ),

{% else %}
    journeys as (

        select * from {{ ref('int_journey') }}

    ),

{% endif %}
closings as (

    select
        user_account_id,
        entity_type,
        category_id,
        currency_id,
        date_trunc('month', closed_on)::date as closed_month,
        outcome,
        opportunity,
        extract(epoch from entered_at[closing_visit] - date_create) / 86400 as cycle_days
    from journeys
    where closed_on is not null

),

summed as (

    select
        user_account_id,
        entity_type,
        category_id,
        currency_id,
        closed_month,
        count(*) as opportunities,
        count(*) filter (where outcome = 'won') as won,
        count(*) filter (where outcome = 'lost') as lost,
        coalesce(sum(opportunity) filter (where outcome = 'won'), 0) as won_amount,
        coalesce(sum(opportunity) filter (where outcome = 'lost'), 0) as lost_amount,
        avg(opportunity) filter (where outcome = 'won') as average_won_amount,
        percentile_cont(0.5) within group (order by cycle_days::double precision)
            filter (where outcome = 'won') as median_cycle_days,
        avg(cycle_days) filter (where outcome = 'won') as mean_cycle_days
    from closings
    group by user_account_id, entity_type, category_id, currency_id, closed_month

),

final as (

    {% if var("by_change") %}
        select
            touched.user_account_id,
            touched.entity_type,
            touched.category_id,
            touched.currency_id,
            touched.closed_month,
            coalesce(summed.opportunities, 0) as opportunities,
            summed.won,
            summed.lost,
            summed.won_amount,
            summed.lost_amount,
            summed.average_won_amount,
            summed.median_cycle_days,
            summed.mean_cycle_days
        from touched
        left join summed
            on
                touched.user_account_id = summed.user_account_id
                and touched.entity_type = summed.entity_type
                and touched.category_id = summed.category_id
                and touched.currency_id = summed.currency_id
                and touched.closed_month = summed.closed_month
    {% else %}
        select * from summed
    {% endif %}

)

select * from final
