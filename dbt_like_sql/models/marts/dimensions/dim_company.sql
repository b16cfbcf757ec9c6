{{ config(materialized='view') }}

with companies as (

    select * from {{ ref('stg_companies') }}

),

labels as (

    select * from {{ ref('stg_statuses') }}

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
        companies.company_id,
        companies.company_name,
        companies.company_type,
        company_types.status_name as company_type_name,
        companies.industry,
        industries.status_name as industry_name,
        companies.employees,
        sizes.status_name as employees_name,
        companies.assigned_by_id,
        owners.owner_name,
        companies.is_my_company,
        companies.date_create,
        companies.date_modify
    from companies
    inner join portals on companies.user_account_id = portals.user_account_id
    left join labels as company_types
        on
            companies.user_account_id = company_types.user_account_id
            and company_types.directory = 'COMPANY_TYPE'
            and companies.company_type = company_types.status_id
    left join labels as industries
        on
            companies.user_account_id = industries.user_account_id
            and industries.directory = 'INDUSTRY'
            and companies.industry = industries.status_id
    left join labels as sizes
        on
            companies.user_account_id = sizes.user_account_id
            and sizes.directory = 'EMPLOYEES'
            and companies.employees = sizes.status_id
    left join owners
        on
            companies.user_account_id = owners.user_account_id
            and companies.assigned_by_id = owners.owner_id
    where companies.deleted_at is null

)

select * from final
