{{ config(
    unique_key=['user_account_id', 'entity_type', 'entity_id'],
    meta={'part_of': 'int_entity'}
) }}

with
{% if var("by_change") %}
    -- what was committed since the snapshot of the last build, also by transactions that had begun before it
    unseen as (

        select
            log.user_account_id,
            log.entity_type,
            log.entity_ids
        from {{ source('log', 'changes') }} as log
        where
            log.changed_in >= pg_snapshot_xmin('{{ var("built_upto") }}'::pg_snapshot)
            and not pg_visible_in_snapshot(log.changed_in, '{{ var("built_upto") }}'::pg_snapshot)
            and log.entity_type in ('lead', 'deal')

    ),

    -- days are days in the portal's zone: when that changes, all its visits are of another day
    shifted_portals as (

        select after.user_account_id
        from {{ written('int_portal') }} as after
        inner join {{ replaced('int_portal') }} as before on after.user_account_id = before.user_account_id
        where after.time_zone != before.time_zone

    ),

    final as (

        select
            unseen.user_account_id,
            unseen.entity_type,
            changed.entity_id
        from unseen
        cross join lateral unnest(unseen.entity_ids) as changed (entity_id)

        union

        select
            deals.user_account_id,
            'deal' as entity_type,
            deals.deal_id as entity_id
        from shifted_portals
        inner join {{ ref('stg_deals') }} as deals on shifted_portals.user_account_id = deals.user_account_id

        union

        select
            leads.user_account_id,
            'lead' as entity_type,
            leads.lead_id as entity_id
        from shifted_portals
        inner join {{ ref('stg_leads') }} as leads on shifted_portals.user_account_id = leads.user_account_id

    )

{% else %}
    -- everything is computed anew, nothing because it has changed
    final as (

        select
            user_account_id,
            null::text as entity_type,
            null::bigint as entity_id
        from {{ ref('int_portal') }}
        where false

    )

{% endif %}
select * from final
