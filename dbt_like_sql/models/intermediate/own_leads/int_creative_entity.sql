{{ config(
    unique_key='row_key',
    indexes=[{'columns': ['user_account_id']}],
    meta={'empty_when': 'entities = 0'}
) }}

with entities as (

    {% if var("by_change") %}
        select * from {{ differences('int_own_entity') }}
    {% else %}
        select
            entity.*,
            1 as times
        from {{ ref('int_own_entity') }} as entity
    {% endif %}

),

counted as (

    select
        user_account_id,
        entity_type,
        creative_id,
        direction_id,
        stage_key,
        currency_id,
        sum(times) as entities,
        sum(case when opportunity is not null then times else 0 end) as entities_with_amount,
        coalesce(sum(times * opportunity), 0) as amount
    from entities
    group by user_account_id, entity_type, creative_id, direction_id, stage_key, currency_id

),

keyed as (

    select
        counted.*,
        md5(
            jsonb_build_array(
                user_account_id, entity_type, creative_id, direction_id, stage_key, currency_id
            )::text
        )::uuid as row_key
    from counted

),

final as (

    select
        keyed.user_account_id,
        keyed.entity_type,
        keyed.creative_id,
        keyed.direction_id,
        keyed.stage_key,
        keyed.currency_id,
        {% if var("by_change") %}
            keyed.entities + coalesce(known.entities, 0) as entities,
            keyed.entities_with_amount + coalesce(known.entities_with_amount, 0) as entities_with_amount,
            trim_scale(keyed.amount + coalesce(known.amount, 0)) as amount,
        {% else %}
            keyed.entities,
            keyed.entities_with_amount,
            -- digits that are no part of the sum would tell in which order it was made
            trim_scale(keyed.amount) as amount,
        {% endif %}
        keyed.row_key
    from keyed
    {% if var("by_change") %}
        left join {{ this }} as known on keyed.row_key = known.row_key
    {% endif %}

)

select * from final
