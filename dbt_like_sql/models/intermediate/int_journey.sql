{{ config(
    materialized='incremental',
    unique_key=['user_account_id', 'entity_type', 'entity_id'],
    indexes=[{'columns': ['entity_loaded_at']}, {'columns': ['history_loaded_at']}]
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
final as (

    {% if is_incremental() %}
        select journey.*
        from changed
        -- offset 0 makes the planner look up each by its key: it does not know how few they are
        cross join lateral (
            select *
            from {{ ref('int_computed_journey') }} as computed
            where
                computed.user_account_id = changed.user_account_id
                and computed.entity_type = changed.entity_type
                and computed.entity_id = changed.entity_id
            offset 0  -- noqa: AM09
        ) as journey
    {% else %}
        select * from {{ ref('int_computed_journey') }}
    {% endif %}

)

select * from final
