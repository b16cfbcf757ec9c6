{{ config(unique_key=['user_account_id', 'portal']) }}

with
{% if var("by_change") %}
    changed as (

        select user_account_id from {{ ref('int_changed_journey') }}
        union
        select user_account_id from {{ ref('int_changed_own_lead') }}
        union
        select user_account_id from {{ written('int_direction') }}
        union
        select user_account_id from {{ replaced('int_direction') }}
        union
        select user_account_id from {{ written('int_creative') }}
        union
        select user_account_id from {{ replaced('int_creative') }}

    ),

    final as (

        select
            portals.user_account_id,
            portals.portal
        from {{ ref('int_portal') }} as portals
        inner join changed on portals.user_account_id = changed.user_account_id

        union

        select
            user_account_id,
            portal
        from {{ ref('int_relabelled_portal') }}

    )

{% else %}
    final as (

        select
            user_account_id,
            portal
        from {{ ref('int_portal') }}
        where false

    )

{% endif %}
select * from final
