{{ config(materialized='incremental', unique_key=['user_account_id', 'entity_type', 'entity_id']) }}

with
{% if is_incremental() %}
    seen as (

        select
            coalesce(max(entity_loaded_at), '-infinity') - interval '{{ var("late_commit") }}' as entities_upto,
            coalesce(max(history_loaded_at), '-infinity') - interval '{{ var("late_commit") }}' as history_upto
        from {{ this }}

    ),

    known as (

        select * from {{ this }}
        where visit_number = 1

    ),

    changed_entities as (

        select
            entity.user_account_id,
            entity.entity_type,
            entity.entity_id
        from {{ ref('int_entity') }} as entity
        left join known
            on
                entity.user_account_id = known.user_account_id
                and entity.entity_type = known.entity_type
                and entity.entity_id = known.entity_id
        where
            entity.loaded_at > (select seen.entities_upto from seen)
            -- always true; it tells the planner that few rows are meant
            and entity.loaded_at <= 'infinity'
            and entity.loaded_at is distinct from known.entity_loaded_at

    ),

    lately_moved as (

        select distinct
            user_account_id,
            entity_type,
            entity_id
        from {{ ref('stg_status_history') }}
        where
            loaded_at > (select seen.history_upto from seen)
            -- always true; it tells the planner that few rows are meant, so that it takes the index
            and loaded_at <= 'infinity'

    ),

    moved as (

        select
            history.user_account_id,
            history.entity_type,
            history.entity_id,
            count(*) as known_moves,
            max(history.loaded_at) as history_loaded_at
        from {{ ref('stg_status_history') }} as history
        inner join lately_moved
            on
                history.user_account_id = lately_moved.user_account_id
                and history.entity_type = lately_moved.entity_type
                and history.entity_id = lately_moved.entity_id
        group by history.user_account_id, history.entity_type, history.entity_id

    ),

    changed as (

        select * from changed_entities

        union

        select
            moved.user_account_id,
            moved.entity_type,
            moved.entity_id
        from moved
        left join known
            on
                moved.user_account_id = known.user_account_id
                and moved.entity_type = known.entity_type
                and moved.entity_id = known.entity_id
        where
            moved.known_moves is distinct from known.known_moves
            or moved.history_loaded_at is distinct from known.history_loaded_at

    ),

{% endif %}
entities as (

    select entity.*
    from {{ ref('int_entity') }} as entity
    {% if is_incremental() %}
        inner join changed
            on
                entity.user_account_id = changed.user_account_id
                and entity.entity_type = changed.entity_type
                and entity.entity_id = changed.entity_id
    {% endif %}

),

known_moves as (

    select
        entities.user_account_id,
        entities.entity_type,
        entities.entity_id,
        false as is_present_stage,
        history.category_id,
        history.status_id,
        history.changed_at,
        history.history_id,
        history.move_id,
        history.source,
        entities.is_counted,
        entities.loaded_at as entity_loaded_at,
        history.loaded_at as history_loaded_at
    from entities
    inner join {{ ref('stg_status_history') }} as history
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
        in_stage_since as changed_at,
        null::bigint as history_id,
        null::bigint as move_id,
        'inferred' as source,
        is_counted,
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
        status_before is null
        or (
            (category_before, status_before) != (category_id, status_id)
            and (not is_present_stage or changed_at > changed_before)
        )

),

final as (

    select
        user_account_id,
        entity_type,
        entity_id,
        (row_number() over of_entity)::integer as visit_number,
        category_id,
        status_id,
        category_before as previous_category_id,
        status_before as previous_status_id,
        changed_at as entered_at,
        lead(changed_at) over of_entity as exited_at,
        source,
        is_counted,
        entity_loaded_at,
        seen_history as history_loaded_at,
        known_moves
    from visits
    window of_entity as (
        partition by user_account_id, entity_type, entity_id
        order by is_present_stage, changed_at, history_id, move_id
    )

)

select * from final
