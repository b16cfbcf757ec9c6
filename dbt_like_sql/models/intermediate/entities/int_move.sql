{{ config(materialized='view') }}

with known_moves as (

    select
        entity.user_account_id,
        entity.entity_type,
        entity.entity_id,
        false as is_present_stage,
        -- the pipeline of few moves is not known: the portal mostly shows moves of the present one
        coalesce(history.category_id, entity.category_id) as category_id,
        history.status_id,
        hashtextextended(
            concat_ws(
                ':',
                entity.user_account_id,
                entity.entity_type,
                coalesce(history.category_id, entity.category_id),
                history.status_id
            ),
            0
        ) as stage_key,
        history.changed_at,
        history.history_id,
        history.move_id,
        history.source,
        entity.counted_until,
        entity.assigned_by_id
    from {{ ref('int_entity') }} as entity
    inner join {{ ref('stg_status_history') }} as history
        on
            entity.user_account_id = history.user_account_id
            and entity.entity_type = history.entity_type
            and entity.entity_id = history.entity_id

),

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
        assigned_by_id
    from {{ ref('int_entity') }}
    where status_id is not null

),

final as (

    select * from known_moves
    union all
    select * from present_stages

)

select * from final
