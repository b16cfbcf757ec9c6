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

ways as (

    select
        user_account_id,
        entity_type,
        entity_id,
        array_agg(stage_key order by visit_number) as stage_keys,
        array_agg(entered_at order by visit_number) as entered_at,
        min(entity_loaded_at) as entity_loaded_at,
        min(history_loaded_at) as history_loaded_at,
        min(known_moves) as known_moves
    from visits
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
                and ways.stage_keys[cardinality(ways.stage_keys)] != entity.stage_key
                then ways.stage_keys || entity.stage_key
            else ways.stage_keys
        end as stage_keys,
        case
            when
                entity.status_id is not null
                and ways.stage_keys[cardinality(ways.stage_keys)] != entity.stage_key
                then ways.entered_at || ways.entered_at[cardinality(ways.entered_at)]
            else ways.entered_at
        end as entered_at,
        ways.entity_loaded_at,
        ways.history_loaded_at,
        ways.known_moves
    from ways
    inner join {{ ref('int_entity') }} as entity
        on
            ways.user_account_id = entity.user_account_id
            and ways.entity_type = entity.entity_type
            and ways.entity_id = entity.entity_id

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
