{{ config(materialized='view') }}

with moves as (

    select
        move.*,
        lag(category_id) over of_entity as category_before,
        lag(status_id) over of_entity as status_before,
        lag(stage_key) over of_entity as stage_before,
        lag(changed_at) over of_entity as changed_before
    from {{ ref('int_move') }} as move
    window of_entity as (
        partition by user_account_id, entity_type, entity_id
        order by is_present_stage, changed_at, history_id, move_id
    )

),

-- two moves in a row into the same stage are one visit; the present stage is a visit of its own only where the
-- last known move leads elsewhere and is older
entries as (

    select *
    from moves
    where
        stage_before is null
        or (
            stage_before != stage_key
            and (not is_present_stage or changed_at > changed_before)
        )

),

visits as (

    select
        entries.user_account_id,
        entries.entity_type,
        entries.entity_id,
        (row_number() over of_entity)::integer as visit_number,
        entries.category_id,
        entries.status_id,
        entries.stage_key,
        entries.category_before as previous_category_id,
        entries.status_before as previous_status_id,
        entries.stage_before as previous_stage_key,
        hashint8extended(entries.stage_key, coalesce(entries.stage_before, 0)) as way_key,
        entries.changed_at as entered_at,
        lead(entries.changed_at) over of_entity as exited_at,
        (entries.changed_at at time zone portals.time_zone)::date as entered_on,
        portals.time_zone,
        entries.source,
        entries.counted_until,
        entries.counted_until = 'infinity' as is_counted,
        entries.assigned_by_id
    from entries
    inner join {{ ref('stg_portals') }} as portals on entries.user_account_id = portals.user_account_id
    window of_entity as (
        partition by entries.user_account_id, entries.entity_type, entries.entity_id
        order by entries.is_present_stage, entries.changed_at, entries.history_id, entries.move_id
    )

),

final as (

    select
        *,
        case when is_counted then exited_at - entered_at end as counted_duration,
        -- each bucket is a hundredth longer than the one before: small enough to find the middle one in
        case
            when is_counted
                then floor(100 * ln(1 + greatest(extract(epoch from exited_at - entered_at)::float8, 0)))::integer
        end as duration_bucket
    from visits

)

select * from final
