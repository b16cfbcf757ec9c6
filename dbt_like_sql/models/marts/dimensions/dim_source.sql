{{ config(materialized='view') }}

with directories as (

    select * from {{ ref('stg_statuses') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        directories.status_id as source_id,
        directories.status_name as source_name,
        directories.status_sort as source_sort,
        directories.deleted_at is not null as is_deleted
    from directories
    inner join portals on directories.user_account_id = portals.user_account_id
    where directories.directory = 'SOURCE'

)

select * from final
