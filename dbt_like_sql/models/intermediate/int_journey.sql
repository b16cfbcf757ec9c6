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
            visit.user_account_id,
            visit.entity_type,
            visit.entity_id
        from {{ ref('int_stage_interval') }} as visit
        left join {{ this }} as known
            on
                visit.user_account_id = known.user_account_id
                and visit.entity_type = known.entity_type
                and visit.entity_id = known.entity_id
        where
            visit.visit_number = 1
            and (
                visit.entity_loaded_at > (select seen.entities_upto from seen)
                or visit.history_loaded_at > (select seen.history_upto from seen)
            )
            and (
                visit.entity_loaded_at is distinct from known.entity_loaded_at
                or visit.history_loaded_at is distinct from known.history_loaded_at
                or visit.known_moves is distinct from known.known_moves
            )

    ),

{% endif %}
visits as (

    select
        visit.user_account_id,
        visit.entity_type,
        visit.entity_id,
        array_agg('<' || visit.category_id || ' ' || visit.status_id || '>' order by visit.visit_number) as steps,
        array_agg(visit.entered_at order by visit.visit_number) as entered_at,
        min(visit.entity_loaded_at) as entity_loaded_at,
        min(visit.history_loaded_at) as history_loaded_at,
        min(visit.known_moves) as known_moves
    from {{ ref('int_stage_interval') }} as visit
    {% if is_incremental() %}
        inner join changed
            on
                visit.user_account_id = changed.user_account_id
                and visit.entity_type = changed.entity_type
                and visit.entity_id = changed.entity_id
    {% endif %}
    group by visit.entity_id, visit.user_account_id, visit.entity_type

),

entities as (

    select
        entity.*,
        -- without a stage it is nowhere, whatever it has visited
        coalesce('<' || entity.category_id || ' ' || entity.status_id || '>', '<>') as present_step
    from {{ ref('int_entity') }} as entity

),

journeys as (

    select
        entities.user_account_id,
        entities.entity_type,
        entities.entity_id,
        entities.category_id,
        entities.is_counted,
        entities.gone_at,
        entities.date_create,
        entities.opportunity,
        -- XXX is ISO 4217's code for no currency
        coalesce(entities.currency_id, 'XXX') as currency_id,
        -- a move may be read before its entity: then the present stage follows the last visit at once
        case
            when visits.steps[cardinality(visits.steps)] != entities.present_step
                then visits.steps || entities.present_step
            else visits.steps
        end as steps,
        case
            when visits.steps[cardinality(visits.steps)] != entities.present_step
                then visits.entered_at || visits.entered_at[cardinality(visits.entered_at)]
            else visits.entered_at
        end as entered_at,
        visits.entity_loaded_at,
        visits.history_loaded_at,
        visits.known_moves
    from visits
    inner join entities
        on
            visits.user_account_id = entities.user_account_id
            and visits.entity_type = entities.entity_type
            and visits.entity_id = entities.entity_id

),

final as (

    select
        user_account_id,
        entity_type,
        entity_id,
        category_id,
        is_counted,
        gone_at,
        date_create,
        opportunity,
        currency_id,
        steps,
        entered_at,
        -- how many steps had begun; days of 24 hours, whatever clocks do in between
        width_bucket(date_create + interval '168 hours', entered_at) as steps_by_day_7,
        width_bucket(date_create + interval '336 hours', entered_at) as steps_by_day_14,
        width_bucket(date_create + interval '720 hours', entered_at) as steps_by_day_30,
        width_bucket(date_create + interval '1440 hours', entered_at) as steps_by_day_60,
        width_bucket(date_create + interval '2160 hours', entered_at) as steps_by_day_90,
        entity_loaded_at,
        history_loaded_at,
        known_moves
    from journeys

)

select * from final
