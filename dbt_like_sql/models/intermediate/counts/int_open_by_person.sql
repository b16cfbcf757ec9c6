{{ config(
    unique_key=['user_account_id', 'entity_type', 'category_id', 'assigned_by_id', 'currency_id'],
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
        category_id,
        -- 0 for nobody: a key has no nulls
        coalesce(assigned_by_id, 0) as assigned_by_id,
        currency_id,
        sum(times) as entities,
        sum(case when opportunity is not null then times else 0 end) as entities_with_amount,
        coalesce(sum(times * opportunity), 0) as amount
    from journeys
    where open_stage_key is not null
    group by user_account_id, entity_type, category_id, coalesce(assigned_by_id, 0), currency_id

),

final as (

    select
        counted.user_account_id,
        counted.entity_type,
        counted.category_id,
        counted.assigned_by_id,
        counted.currency_id,
        {% if var("by_change") %}
            counted.entities + coalesce(known.entities, 0) as entities,
            counted.entities_with_amount + coalesce(known.entities_with_amount, 0) as entities_with_amount,
            -- digits that are no part of the sum would tell in which order it was made
            trim_scale(counted.amount + coalesce(known.amount, 0)) as amount
        {% else %}
            counted.entities,
            counted.entities_with_amount,
            trim_scale(counted.amount) as amount
        {% endif %}
    from counted
    {% if var("by_change") %}
        left join {{ this }} as known
            on
                counted.user_account_id = known.user_account_id
                and counted.entity_type = known.entity_type
                and counted.category_id = known.category_id
                and counted.assigned_by_id = known.assigned_by_id
                and counted.currency_id = known.currency_id
    {% endif %}

)

select * from final
