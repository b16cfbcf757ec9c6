{{ config(materialized='incremental', unique_key=['user_account_id', 'entity_type', 'entity_id']) }}

with
{% if is_incremental() %}
    seen as (

        select
            coalesce(max(entity_loaded_at), '-infinity') - interval '{{ var("late_commit") }}' as entities_upto,
            coalesce(max(history_loaded_at), '-infinity') - interval '{{ var("late_commit") }}' as history_upto
        from {{ this }}

    ),

    changed as (

        select
            entity.user_account_id,
            entity.entity_type,
            entity.entity_id
        from {{ ref('int_entity') }} as entity
        where
            entity.loaded_at > (select seen.entities_upto from seen)
            -- always true; it tells the planner that few rows are meant
            and entity.loaded_at <= 'infinity'

        union

        select
            history.user_account_id,
            history.entity_type,
            history.entity_id
        from {{ ref('stg_status_history') }} as history
        where
            history.loaded_at > (select seen.history_upto from seen)
            and history.loaded_at <= 'infinity'

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
        max(history_loaded_at) over (partition by user_account_id, entity_type, entity_id) as seen_history
    from moves
    window of_entity as (
        partition by user_account_id, entity_type, entity_id
        order by is_present_stage, changed_at, history_id, move_id
    )

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
        seen_history as history_loaded_at
    from visits
    window of_entity as (
        partition by user_account_id, entity_type, entity_id
        order by is_present_stage, changed_at, history_id, move_id
    )

)

select * from final
