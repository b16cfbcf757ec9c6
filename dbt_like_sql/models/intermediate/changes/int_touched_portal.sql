{{ config(unique_key=['user_account_id', 'portal']) }}

with
{% if var("by_change") %}
    -- with the name that its rows have had until now, too
    names as (

        select
            user_account_id,
            portal
        from {{ ref('int_portal') }}
        union
        select
            user_account_id,
            portal
        from {{ replaced('int_portal') }}

    ),

    touched as (

        select user_account_id from {{ ref('int_changed_journey') }}
        union
        select user_account_id from {{ ref('int_changed_own_lead') }}
        union
        select user_account_id from {{ written('int_portal') }}
        union
        select user_account_id from {{ replaced('int_portal') }}
        union
        select user_account_id from {{ written('int_stage') }}
        union
        select user_account_id from {{ replaced('int_stage') }}
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
            names.user_account_id,
            names.portal
        from names
        inner join touched on names.user_account_id = touched.user_account_id

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
