{{ config(materialized='table', unique_key='row_key') }}

with own_leads as (

    select
        own_lead.*,
        case when is_won and is_first_of_entity and opportunity is not null then currency_id end as won_currency
    from {{ ref('int_own_lead') }} as own_lead

),

counted as (

    select
        user_account_id,
        entity_type,
        creative_id,
        direction_id,
        category_id,
        status_id,
        stage_key,
        won_currency,
        count(*) as leads,
        count(entity_id) as matched,
        count(*) filter (where is_qualified) as qualified,
        count(*) filter (where is_first_of_entity) as entities,
        count(*) filter (where is_first_of_entity and is_won) as won,
        count(*) filter (where is_first_of_entity and is_lost) as lost,
        sum(opportunity) filter (where won_currency is not null) as revenue
    from own_leads
    group by user_account_id, entity_type, creative_id, direction_id, category_id, status_id, stage_key,
        won_currency

),

final as (

    select
        counted.*,
        md5(
            jsonb_build_array(
                user_account_id, entity_type, creative_id, direction_id, category_id, status_id, won_currency
            )::text
        )::uuid as row_key
    from counted

)

select * from final
