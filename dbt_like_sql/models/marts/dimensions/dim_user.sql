{{ config(materialized='view') }}

with users as (

    select * from {{ ref('stg_users') }}

),

owners as (

    select * from {{ ref('int_owner') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        users.user_id,
        owners.owner_name as user_name,
        users.work_position,
        users.department_id,
        owners.department_name,
        users.department_ids,
        users.is_active
    from users
    inner join portals on users.user_account_id = portals.user_account_id
    inner join owners
        on
            users.user_account_id = owners.user_account_id
            and users.user_id = owners.owner_id

)

select * from final
