{{ config(materialized='view') }}

with directories as (

    select * from {{ ref('stg_statuses') }}

),

final as (

    select
        user_account_id,
        status_id as type_id,
        status_name as type_name
    from directories
    where directory = 'DEAL_TYPE'

)

select * from final
