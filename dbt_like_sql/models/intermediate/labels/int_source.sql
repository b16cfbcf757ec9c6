{{ config(materialized='view') }}

with directories as (

    select * from {{ ref('stg_statuses') }}

),

final as (

    select
        user_account_id,
        status_id as source_id,
        status_name as source_name
    from directories
    where directory = 'SOURCE'

)

select * from final
