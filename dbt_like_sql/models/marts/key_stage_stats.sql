{{ config(materialized='table', unique_key='row_key') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

creatives as (

    select * from {{ ref('stg_creatives') }}

),

directions as (

    select * from {{ ref('stg_directions') }}

),

key_stages as (

    select * from {{ ref('int_key_stage') }}

),

own_leads as (

    select
        own_lead.user_account_id,
        own_lead.own_lead_id,
        own_lead.direction_id,
        own_lead.creative_id,
        date_trunc('month', own_lead.created_at at time zone portals.time_zone)::date as month,
        directions.entity_type,
        case directions.entity_type when 'deal' then own_lead.deal_id else own_lead.lead_id end as entity_id
    from {{ ref('stg_own_leads') }} as own_lead
    inner join portals on own_lead.user_account_id = portals.user_account_id
    inner join directions on own_lead.direction_id = directions.direction_id

),

totals as (

    select
        direction_id,
        creative_id,
        month,
        count(*) as total_leads
    from own_leads
    group by direction_id, creative_id, month

),

reached as (

    select
        own_leads.direction_id,
        own_leads.creative_id,
        own_leads.month,
        key_stages.key_stage_index,
        count(*) as own_leads
    from own_leads
    inner join {{ ref('int_journey') }} as journeys
        on
            own_leads.user_account_id = journeys.user_account_id
            and own_leads.entity_type = journeys.entity_type
            and own_leads.entity_id = journeys.entity_id
    inner join key_stages
        on
            own_leads.direction_id = key_stages.direction_id
            and key_stages.stage_key = any(journeys.stage_keys)
    where journeys.is_counted
    group by own_leads.direction_id, own_leads.creative_id, own_leads.month, key_stages.key_stage_index

),

counted as (

    select
        key_stages.*,
        totals.creative_id,
        totals.month,
        totals.total_leads,
        coalesce(reached.own_leads, 0) as reached
    from totals
    inner join key_stages on totals.direction_id = key_stages.direction_id
    left join reached
        on
            totals.direction_id = reached.direction_id
            and totals.creative_id is not distinct from reached.creative_id
            and totals.month = reached.month
            and key_stages.key_stage_index = reached.key_stage_index

),

final as (

    select
        portals.portal,
        counted.entity_type,
        counted.direction_id,
        counted.direction_name,
        counted.key_stage_index,
        counted.category_id,
        counted.category_name,
        counted.status_id,
        counted.status_name,
        counted.is_deleted,
        counted.creative_id,
        creatives.creative_name,
        counted.month,
        counted.total_leads,
        counted.reached,
        round(100.0 * counted.reached / counted.total_leads, 2) as rate,
        md5(
            jsonb_build_array(
                counted.direction_id, counted.key_stage_index,
                counted.creative_id, counted.month
            )::text
        )::uuid as row_key
    from counted
    inner join portals on counted.user_account_id = portals.user_account_id
    left join creatives on counted.creative_id = creatives.creative_id

)

select * from final
