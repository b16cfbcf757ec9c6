{{ config(
    materialized='incremental',
    unique_key=['user_account_id', 'entity_type', 'entity_id'],
    indexes=[
        {'columns': ['entity_loaded_at']},
        {'columns': ['history_loaded_at']},
        {'columns': ['stage_key', 'counted_duration']}
    ]
) }}

with
{% if is_incremental() %}
    -- the newest rows that the last build has seen, less the time by which a commit may be late
    seen as (

        select
            coalesce(max(entity_loaded_at), '-infinity') - interval '{{ var("late_commit") }}' as entities_upto,
            coalesce(max(history_loaded_at), '-infinity') - interval '{{ var("late_commit") }}' as history_upto
        from {{ this }}

    ),

    -- days are days in the portal's zone: when that changes, all its visits are of another day
    shifted_portals as (

        select portals.user_account_id
        from {{ ref('stg_portals') }} as portals
        where
            portals.time_zone != (
                select visit.time_zone
                from {{ this }} as visit
                where visit.user_account_id = portals.user_account_id
                limit 1  -- noqa: AM09
            )

    ),

    changed_entities as (

        select
            entity.user_account_id,
            entity.entity_type,
            entity.entity_id
        from {{ ref('int_entity') }} as entity
        where
            entity.loaded_at > (select seen.entities_upto from seen)
            -- always true; it tells the planner that few rows are meant, so that it takes the index
            and entity.loaded_at <= 'infinity'
            and not exists (
                select 1
                from {{ this }} as known
                where
                    known.user_account_id = entity.user_account_id
                    and known.entity_type = entity.entity_type
                    and known.entity_id = entity.entity_id
                    and known.entity_loaded_at = entity.loaded_at
            )

    ),

    lately_moved as (

        select distinct
            user_account_id,
            entity_type,
            entity_id
        from {{ ref('stg_status_history') }}
        where
            loaded_at > (select seen.history_upto from seen)
            and loaded_at <= 'infinity'

    ),

    moved_entities as (

        select lately_moved.*
        from lately_moved
        cross join lateral (
            select
                count(*) as known_moves,
                max(history.loaded_at) as history_loaded_at
            from {{ ref('stg_status_history') }} as history
            where
                history.user_account_id = lately_moved.user_account_id
                and history.entity_type = lately_moved.entity_type
                and history.entity_id = lately_moved.entity_id
        ) as moves
        where
            not exists (
                select 1
                from {{ this }} as known
                where
                    known.user_account_id = lately_moved.user_account_id
                    and known.entity_type = lately_moved.entity_type
                    and known.entity_id = lately_moved.entity_id
                    and known.known_moves = moves.known_moves
                    and known.history_loaded_at = moves.history_loaded_at
            )

    ),

    changed as (

        select * from changed_entities

        union

        select * from moved_entities

        union

        select
            entity.user_account_id,
            entity.entity_type,
            entity.entity_id
        from {{ ref('int_entity') }} as entity
        inner join shifted_portals on entity.user_account_id = shifted_portals.user_account_id

    ),

{% endif %}
final as (

    {% if is_incremental() %}
        select visit.*
        from changed
        -- offset 0 makes the planner look up each by its key: it does not know how few they are
        cross join lateral (
            select *
            from {{ ref('int_computed_interval') }} as computed
            where
                computed.user_account_id = changed.user_account_id
                and computed.entity_type = changed.entity_type
                and computed.entity_id = changed.entity_id
            offset 0  -- noqa: AM09
        ) as visit
    {% else %}
        select * from {{ ref('int_computed_interval') }}
    {% endif %}

)

select * from final
