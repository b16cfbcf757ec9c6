{{ config(
    unique_key='row_key',
    indexes=[{'columns': ['user_account_id']}],
    meta={'empty_when': 'own_leads = 0'}
) }}

with own_leads as (

    {% if var("by_change") %}
        select * from {{ differences('int_own_lead') }}
    {% else %}
        select
            own_lead.*,
            1 as times
        from {{ ref('int_own_lead') }} as own_lead
    {% endif %}

),

-- each stage once; 0 stands for all own leads, whatever they have reached
reached as (

    select
        own_leads.*,
        reached.stage_key as reached_stage_key
    from own_leads
    cross join lateral unnest(0::bigint || own_leads.stage_keys) with ordinality as reached (stage_key, place)
    where
        own_leads.direction_id is not null
        and array_position(0::bigint || own_leads.stage_keys, reached.stage_key) = reached.place

),

counted as (

    select
        user_account_id,
        entity_type,
        direction_id,
        creative_id,
        month,
        reached_stage_key as stage_key,
        sum(times) as own_leads
    from reached
    group by user_account_id, entity_type, direction_id, creative_id, month, reached_stage_key

),

keyed as (

    select
        counted.*,
        md5(
            jsonb_build_array(
                user_account_id, entity_type, direction_id, creative_id, month, stage_key
            )::text
        )::uuid as row_key
    from counted

),

final as (

    select
        keyed.user_account_id,
        keyed.entity_type,
        keyed.direction_id,
        keyed.creative_id,
        keyed.month,
        keyed.stage_key,
        {% if var("by_change") %}
            keyed.own_leads + coalesce(known.own_leads, 0) as own_leads,
        {% else %}
            keyed.own_leads,
        {% endif %}
        keyed.row_key
    from keyed
    {% if var("by_change") %}
        left join {{ this }} as known on keyed.row_key = known.row_key
    {% endif %}

)

select * from final
