{{ config(unique_key='own_lead_id', meta={'part_of': 'int_own_lead'}) }}

with
{% if var("by_change") %}
    unseen as (

        select
            log.user_account_id,
            log.own_lead_ids
        from {{ source('log', 'changes') }} as log
        where
            log.changed_in >= pg_snapshot_xmin('{{ var("built_upto") }}'::pg_snapshot)
            and not pg_visible_in_snapshot(log.changed_in, '{{ var("built_upto") }}'::pg_snapshot)

    ),

    -- months are months in the portal's zone
    shifted_portals as (

        select after.user_account_id
        from {{ written('int_portal') }} as after
        inner join {{ replaced('int_portal') }} as before on after.user_account_id = before.user_account_id
        where after.time_zone != before.time_zone

    ),

    final as (

        select
            unseen.user_account_id,
            changed.own_lead_id
        from unseen
        cross join lateral unnest(unseen.own_lead_ids) as changed (own_lead_id)

        union

        -- what its lead or deal has reached is counted for the own lead
        select
            changed.user_account_id,
            linked.own_lead_id
        from {{ ref('int_changed_journey') }} as changed
        cross join lateral (
            select own_leads.own_lead_id
            from {{ ref('stg_own_leads') }} as own_leads
            where
                changed.entity_type = 'deal'
                and own_leads.user_account_id = changed.user_account_id
                and own_leads.deal_id = changed.entity_id
            union all
            select own_leads.own_lead_id
            from {{ ref('stg_own_leads') }} as own_leads
            where
                changed.entity_type = 'lead'
                and own_leads.user_account_id = changed.user_account_id
                and own_leads.lead_id = changed.entity_id
        ) as linked

        union

        select
            own_leads.user_account_id,
            own_leads.own_lead_id
        from {{ ref('stg_own_leads') }} as own_leads
        inner join shifted_portals on own_leads.user_account_id = shifted_portals.user_account_id

    )

{% else %}
    final as (

        select
            user_account_id,
            own_lead_id
        from {{ ref('stg_own_leads') }}
        where false

    )

{% endif %}
select * from final
