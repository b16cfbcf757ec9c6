{{ config(materialized='view') }}

with recursive

departments as (

    select * from {{ ref('stg_departments') }}

),

-- twenty levels are more than any portal has: departments that are each a part of the other end there
above as (

    select
        user_account_id,
        department_id,
        parent_id,
        department_name as department_path,
        1 as department_level
    from departments

    union all

    select
        above.user_account_id,
        above.department_id,
        parents.parent_id,
        concat_ws(' / ', parents.department_name, above.department_path) as department_path,
        above.department_level + 1 as department_level
    from above
    inner join departments as parents
        on
            above.user_account_id = parents.user_account_id
            and above.parent_id = parents.department_id
    where above.department_level < 20

),

paths as (

    select distinct on (user_account_id, department_id)
        user_account_id,
        department_id,
        department_path,
        department_level
    from above
    order by user_account_id asc, department_id asc, department_level desc

),

heads as (

    select * from {{ ref('int_owner') }}

),

portals as (

    select * from {{ ref('stg_portals') }}

),

final as (

    select
        portals.portal,
        departments.department_id,
        departments.department_name,
        departments.parent_id,
        paths.department_path,
        paths.department_level,
        departments.department_sort,
        departments.head_user_id,
        heads.owner_name as head_name,
        departments.deleted_at is not null as is_deleted
    from departments
    inner join portals on departments.user_account_id = portals.user_account_id
    inner join paths
        on
            departments.user_account_id = paths.user_account_id
            and departments.department_id = paths.department_id
    left join heads
        on
            departments.user_account_id = heads.user_account_id
            and departments.head_user_id = heads.owner_id

)

select * from final
