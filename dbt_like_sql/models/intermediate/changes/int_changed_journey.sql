{{ config(
    unique_key=['user_account_id', 'entity_type', 'entity_id'],
    meta={'part_of': 'int_entity'}
) }}

with
{% if var("by_change") %}
    -- what a journey has reached depends on what all stages of its portal count as
    redefined_portals as (

        select user_account_id from {{ replaced('int_stage_rule') }}
        union
        select user_account_id from {{ written('int_stage_rule') }}

    ),

    final as (

        select
            user_account_id,
            entity_type,
            entity_id
        from {{ ref('int_changed_entity') }}

        union

        select
            entity.user_account_id,
            entity.entity_type,
            entity.entity_id
        from redefined_portals
        inner join {{ ref('int_entity') }} as entity on redefined_portals.user_account_id = entity.user_account_id

    )

{% else %}
    final as (

        select
            user_account_id,
            entity_type,
            entity_id
        from {{ ref('int_changed_entity') }}
        where false

    )

{% endif %}
select * from final
