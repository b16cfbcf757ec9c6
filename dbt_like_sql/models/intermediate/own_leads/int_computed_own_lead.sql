{{ config(materialized='view') }}

-- an own lead counts for leads and for deals, each by its own link
with by_type as (

    select
        own_leads.*,
        'lead' as counted_type,
        lead_id as entity_id
    from {{ ref('stg_own_leads') }} as own_leads

    union all

    select
        own_leads.*,
        'deal' as counted_type,
        deal_id as entity_id
    from {{ ref('stg_own_leads') }} as own_leads

),

final as (

    select
        by_type.user_account_id,
        by_type.own_lead_id,
        by_type.counted_type as entity_type,
        by_type.creative_id,
        by_type.direction_id,
        by_type.utm_campaign,
        by_type.created_at,
        date_trunc('month', by_type.created_at at time zone portals.time_zone)::date as month,
        journey.entity_id,
        journey.stage_keys,
        journey.stage_keys[cardinality(journey.stage_keys)] as stage_key,
        journey.entity_id is not null and (
            by_type.is_qualified
            -- the own lead's own mark stands for a condition of the fields
            or coalesce(journey.has_qualified_stage, false)
        ) as is_qualified,
        journey.opportunity,
        journey.currency_id
    from by_type
    inner join {{ ref('stg_portals') }} as portals on by_type.user_account_id = portals.user_account_id
    left join {{ ref('int_journey') }} as journey
        on
            by_type.user_account_id = journey.user_account_id
            and by_type.counted_type = journey.entity_type
            and by_type.entity_id = journey.entity_id
            and journey.is_counted

)

select * from final
