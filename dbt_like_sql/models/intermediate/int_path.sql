{{ config(
    materialized='incremental',
    unique_key=['user_account_id', 'entity_type', 'entity_id'],
    indexes=[{'columns': ['entity_loaded_at']}, {'columns': ['history_loaded_at']}]
) }}

with
{% if is_incremental() %}
    seen as (

        select
            coalesce(max(entity_loaded_at), '-infinity') - interval '{{ var("late_commit") }}' as entities_upto,
            coalesce(max(history_loaded_at), '-infinity') - interval '{{ var("late_commit") }}' as history_upto
        from {{ this }}

    ),

    lately_visited as (

        select
            user_account_id,
            entity_type,
            entity_id,
            entity_loaded_at,
            history_loaded_at,
            known_moves
        from {{ ref('int_stage_interval') }}
        where
            entity_loaded_at > (select seen.entities_upto from seen)
            -- always true; it tells the planner that few rows are meant, so that it takes the index
            and entity_loaded_at <= 'infinity'

        union

        select
            user_account_id,
            entity_type,
            entity_id,
            entity_loaded_at,
            history_loaded_at,
            known_moves
        from {{ ref('int_stage_interval') }}
        where
            history_loaded_at > (select seen.history_upto from seen)
            and history_loaded_at <= 'infinity'

    ),

    changed as (

        select
            user_account_id,
            entity_type,
            entity_id
        from lately_visited
        where
            not exists (
                select 1
                from {{ this }} as known
                where
                    known.user_account_id = lately_visited.user_account_id
                    and known.entity_type = lately_visited.entity_type
                    and known.entity_id = lately_visited.entity_id
                    and known.entity_loaded_at = lately_visited.entity_loaded_at
                    and known.history_loaded_at is not distinct from lately_visited.history_loaded_at
                    and known.known_moves = lately_visited.known_moves
            )

    ),

{% endif %}
visits as (

    {% if is_incremental() %}
        select visit.*
        from changed
        -- offset 0 makes the planner look up each by its key: it does not know how few they are
        cross join lateral (
            select *
            from {{ ref('int_stage_interval') }} as known
            where
                known.user_account_id = changed.user_account_id
                and known.entity_type = changed.entity_type
                and known.entity_id = changed.entity_id
            offset 0  -- noqa: AM09
        ) as visit
    {% else %}
        select * from {{ ref('int_stage_interval') }}
    {% endif %}

),

versions as (

    select
        user_account_id,
        entity_type,
        entity_id,
        is_counted,
        entity_loaded_at,
        history_loaded_at,
        known_moves
    from visits
    where visit_number = 1

),

-- where an entity stands counts as reached, also while the move into it is not known
been_in as (

    select
        user_account_id,
        entity_type,
        entity_id,
        category_id,
        stage_key
    from visits

    union

    select
        entity.user_account_id,
        entity.entity_type,
        entity.entity_id,
        entity.category_id,
        entity.stage_key
    from {{ ref('int_entity') }} as entity
    inner join versions
        on
            entity.user_account_id = versions.user_account_id
            and entity.entity_type = versions.entity_type
            and entity.entity_id = versions.entity_id
    where entity.status_id is not null

),

paths as (

    select
        user_account_id,
        entity_type,
        entity_id,
        category_id,
        array_agg(stage_key order by stage_key) as stage_keys
    from been_in
    group by user_account_id, entity_type, entity_id, category_id

),

final as (

    select
        paths.user_account_id,
        paths.entity_type,
        paths.entity_id,
        paths.category_id,
        paths.stage_keys,
        versions.is_counted,
        versions.entity_loaded_at,
        versions.history_loaded_at,
        versions.known_moves
    from paths
    inner join versions
        on
            paths.user_account_id = versions.user_account_id
            and paths.entity_type = versions.entity_type
            and paths.entity_id = versions.entity_id

)

select * from final
