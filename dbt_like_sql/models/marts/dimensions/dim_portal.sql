{{ config(materialized='view') }}

with portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        portals.time_zone,
        -- a subquery and no join, so that whoever does not read this column does not wait for it
        (
            select
                case
                    when count(cursors.watermark) = case portals.counted_entity_type when 'both' then 2 else 1 end
                        then min(cursors.watermark)
                end
            from {{ ref('stg_cursors') }} as cursors
            where
                cursors.user_account_id = portals.user_account_id
                and cursors.entity_type in ('lead', 'deal')
                and portals.counted_entity_type in ('both', cursors.entity_type)
        ) as complete_until
    from portals

)

select * from final
