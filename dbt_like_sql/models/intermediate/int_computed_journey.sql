{{ config(materialized='view') }}

with visited as (

    select
        user_account_id,
        entity_type,
        entity_id,
        array_agg(stage_key order by visit_number) as stage_keys,
        array_agg(entered_at order by visit_number) as entered_at,
        min(entity_loaded_at) as entity_loaded_at,
        min(history_loaded_at) as history_loaded_at,
        min(known_moves) as known_moves
    from {{ ref('int_stage_interval') }}
    group by entity_id, user_account_id, entity_type

),

journeys as (

    select
        entity.user_account_id,
        entity.entity_type,
        entity.entity_id,
        entity.category_id,
        entity.is_counted,
        entity.counted_until,
        entity.date_create,
        entity.utm_campaign,
        entity.utm_content,
        entity.opportunity,
        -- XXX is ISO 4217's code for no currency
        coalesce(entity.currency_id, 'XXX') as currency_id,
        -- a move may be read before its entity: then the present stage follows the last visit at once
        case
            when
                entity.status_id is not null
                and visited.stage_keys[cardinality(visited.stage_keys)] != entity.stage_key
                then visited.stage_keys || entity.stage_key
            else visited.stage_keys
        end as stage_keys,
        case
            when
                entity.status_id is not null
                and visited.stage_keys[cardinality(visited.stage_keys)] != entity.stage_key
                then visited.entered_at || visited.entered_at[cardinality(visited.entered_at)]
            else visited.entered_at
        end as entered_at,
        visited.entity_loaded_at,
        visited.history_loaded_at,
        visited.known_moves
    from visited
    inner join {{ ref('int_entity') }} as entity
        on
            visited.user_account_id = entity.user_account_id
            and visited.entity_type = entity.entity_type
            and visited.entity_id = entity.entity_id

),

final as (

    select
        user_account_id,
        entity_type,
        entity_id,
        category_id,
        is_counted,
        counted_until,
        date_create,
        utm_campaign,
        utm_content,
        opportunity,
        currency_id,
        stage_keys,
        entered_at,
        -- how many visits had begun; days of 24 hours, whatever clocks do in between
        width_bucket(date_create + interval '168 hours', entered_at) as visits_by_day_7,
        width_bucket(date_create + interval '336 hours', entered_at) as visits_by_day_14,
        width_bucket(date_create + interval '720 hours', entered_at) as visits_by_day_30,
        width_bucket(date_create + interval '1440 hours', entered_at) as visits_by_day_60,
        width_bucket(date_create + interval '2160 hours', entered_at) as visits_by_day_90,
        entity_loaded_at,
        history_loaded_at,
        known_moves
    from journeys

)

select * from final
