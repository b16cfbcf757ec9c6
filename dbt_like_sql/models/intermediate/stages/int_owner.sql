{{ config(materialized='view') }}

with users as (

    select * from {{ ref('stg_users') }}

),

final as (

    select
        user_account_id,
        user_id as owner_id,
        nullif(concat_ws(' ', nullif(first_name, ''), nullif(last_name, '')), '') as owner_name
    from users

)

select * from final
