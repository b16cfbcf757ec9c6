{{ config(
    unique_key=['stage_key', 'currency_id', 'semantics'],
    meta={'empty_when': 'entities = 0'}
) }}

with entities as (

    {% if var("by_change") %}
        select * from {{ differences('int_entity') }}
    {% else %}
        select
            entity.*,
            1 as times
        from {{ ref('int_entity') }} as entity
    {% endif %}

),

counted as (

    select
        stage_key,
        -- XXX is ISO 4217's code for no currency
        coalesce(currency_id, 'XXX') as currency_id,
        semantics,
        sum(times) as entities,
        sum(case when opportunity is not null then times else 0 end) as entities_with_amount,
        coalesce(sum(times * opportunity), 0) as amount
    from entities
    where is_counted and status_id is not null
    group by stage_key, coalesce(currency_id, 'XXX'), semantics

),

final as (

    select
        counted.stage_key,
        counted.currency_id,
        counted.semantics,
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
                counted.stage_key = known.stage_key
                and counted.currency_id = known.currency_id
                and counted.semantics = known.semantics
    {% endif %}

)

select * from final
