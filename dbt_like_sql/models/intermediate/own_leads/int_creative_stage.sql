{{ config(
    unique_key='row_key',
    indexes=[{'columns': ['user_account_id']}],
    meta={'empty_when': 'leads = 0'}
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

counted as (

    select
        user_account_id,
        entity_type,
        creative_id,
        direction_id,
        stage_key,
        sum(times) as leads,
        sum(case when entity_id is not null then times else 0 end) as matched,
        sum(case when is_qualified then times else 0 end) as qualified
    from own_leads
    group by user_account_id, entity_type, creative_id, direction_id, stage_key

),

keyed as (

    select
        counted.*,
        md5(
            jsonb_build_array(user_account_id, entity_type, creative_id, direction_id, stage_key)::text
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
        {% if var("by_change") %}
            keyed.leads + coalesce(known.leads, 0) as leads,
            keyed.matched + coalesce(known.matched, 0) as matched,
            keyed.qualified + coalesce(known.qualified, 0) as qualified,
        {% else %}
            keyed.leads,
            keyed.matched,
            keyed.qualified,
        {% endif %}
        keyed.row_key
    from keyed
    {% if var("by_change") %}
        left join {{ this }} as known on keyed.row_key = known.row_key
    {% endif %}

)

select * from final
