{{ config(unique_key='row_key') }}

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

-- of the type whose stages the direction names
counts as (

    select counts.*
    from {{ ref('int_own_lead_reach') }} as counts
    inner join directions
        on
            counts.direction_id = directions.direction_id
            and counts.entity_type = directions.entity_type

),

counted as (

    select
        key_stages.*,
        totals.creative_id,
        totals.month,
        totals.own_leads as total_leads,
        coalesce(reached.own_leads, 0) as reached
    from counts as totals
    inner join key_stages on totals.direction_id = key_stages.direction_id
    left join counts as reached
        on
            totals.direction_id = reached.direction_id
            and totals.creative_id is not distinct from reached.creative_id
            and totals.month = reached.month
            and key_stages.stage_key = reached.stage_key
    where totals.stage_key = 0

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
