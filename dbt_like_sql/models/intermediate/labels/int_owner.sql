{{ config(materialized='view') }}

with users as (

    select * from {{ ref('stg_users') }}

),

departments as (

    select * from {{ ref('stg_departments') }}

),

final as (

    select
        users.user_account_id,
        users.user_id as owner_id,
        nullif(concat_ws(' ', nullif(users.first_name, ''), nullif(users.last_name, '')), '') as owner_name,
        users.department_id,
        departments.department_name
    from users
    left join departments
        on
            users.user_account_id = departments.user_account_id
            and users.department_id = departments.department_id

)

select * from final
