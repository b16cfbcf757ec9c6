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

    relabelled as (

        select user_account_id from {{ written('int_portal') }}
        union
        select user_account_id from {{ replaced('int_portal') }}
        union
        select user_account_id from {{ written('int_stage') }}
        union
        select user_account_id from {{ replaced('int_stage') }}

    ),

    final as (

        select
            names.user_account_id,
            names.portal
        from names
        inner join relabelled on names.user_account_id = relabelled.user_account_id

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
