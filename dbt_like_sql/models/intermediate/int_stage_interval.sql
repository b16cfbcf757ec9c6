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

    moved as (

        select
            lately_moved.user_account_id,
            lately_moved.entity_type,
            lately_moved.entity_id
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

        select * from moved

        union

        select
            entity.user_account_id,
            entity.entity_type,
            entity.entity_id
        from {{ ref('int_entity') }} as entity
        inner join shifted_portals on entity.user_account_id = shifted_portals.user_account_id

    ),

    -- here and below, offset 0 makes the planner look up each by its key: it does not know how few they are
    entities as (

        select entity.*
        from changed
        cross join lateral (
            select *
            from {{ ref('int_entity') }} as present
            where
                present.user_account_id = changed.user_account_id
                and present.entity_type = changed.entity_type
                and present.entity_id = changed.entity_id
            offset 0  -- noqa: AM09
        ) as entity

    ),

    history as (

        select move.*
        from entities
        cross join lateral (
            select *
            from {{ ref('stg_status_history') }} as known
            where
                known.user_account_id = entities.user_account_id
                and known.entity_type = entities.entity_type
                and known.entity_id = entities.entity_id
            offset 0  -- noqa: AM09
        ) as move

    ),

{% else %}
    entities as (

        select * from {{ ref('int_entity') }}

    ),

    history as (

        select * from {{ ref('stg_status_history') }}

    ),

{% endif %}
known_moves as (

    select
        entities.user_account_id,
        entities.entity_type,
        entities.entity_id,
        false as is_present_stage,
        history.category_id,
        history.status_id,
        hashtextextended(
            concat_ws(':', entities.user_account_id, entities.entity_type, history.category_id, history.status_id), 0
        ) as stage_key,
        history.changed_at,
        history.history_id,
        history.move_id,
        history.source,
        entities.counted_until,
        entities.loaded_at as entity_loaded_at,
        history.loaded_at as history_loaded_at
    from entities
    inner join history
        on
            entities.user_account_id = history.user_account_id
            and entities.entity_type = history.entity_type
            and entities.entity_id = history.entity_id

),

-- where an entity stands now, as if it were its last move: kept below only where no known move tells it
present_stages as (

    select
        user_account_id,
        entity_type,
        entity_id,
        true as is_present_stage,
        category_id,
        status_id,
        stage_key,
        in_stage_since as changed_at,
        null::bigint as history_id,
        null::bigint as move_id,
        'inferred' as source,
        counted_until,
        loaded_at as entity_loaded_at,
        null::timestamptz as history_loaded_at
    from entities
    where status_id is not null

),

moves as (

    select * from known_moves
    union all
    select * from present_stages

),

compared as (

    select
        moves.*,
        lag(category_id) over of_entity as category_before,
        lag(status_id) over of_entity as status_before,
        lag(stage_key) over of_entity as stage_before,
        lag(changed_at) over of_entity as changed_before,
        max(history_loaded_at) over entity as seen_history,
        count(history_loaded_at) over entity as known_moves
    from moves
    window
        entity as (partition by user_account_id, entity_type, entity_id),
        of_entity as (entity order by is_present_stage, changed_at, history_id, move_id)

),

visits as (

    select *
    from compared
    where
        stage_before is null
        or (
            stage_before != stage_key
            and (not is_present_stage or changed_at > changed_before)
        )

),

numbered as (

    select
        visits.user_account_id,
        visits.entity_type,
        visits.entity_id,
        (row_number() over of_entity)::integer as visit_number,
        visits.category_id,
        visits.status_id,
        visits.stage_key,
        visits.category_before as previous_category_id,
        visits.status_before as previous_status_id,
        visits.stage_before as previous_stage_key,
        hashint8extended(visits.stage_key, coalesce(visits.stage_before, 0)) as way_key,
        visits.changed_at as entered_at,
        lead(visits.changed_at) over of_entity as exited_at,
        (visits.changed_at at time zone portals.time_zone)::date as entered_on,
        portals.time_zone,
        visits.source,
        visits.counted_until,
        visits.counted_until = 'infinity' as is_counted,
        visits.entity_loaded_at,
        visits.seen_history as history_loaded_at,
        visits.known_moves
    from visits
    inner join {{ ref('stg_portals') }} as portals on visits.user_account_id = portals.user_account_id
    window of_entity as (
        partition by visits.user_account_id, visits.entity_type, visits.entity_id
        order by visits.is_present_stage, visits.changed_at, visits.history_id, visits.move_id
    )

),

final as (

    select
        *,
        case when is_counted then exited_at - entered_at end as counted_duration
    from numbered

)

select * from final
