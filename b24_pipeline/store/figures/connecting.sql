-- name: latest_syncs(account)
-- The latest sync of each entity of a portal; of one at work the rows that are stored so far.
with latest as (
    select distinct on (entity_type)
        entity_type,
        sync_status,
        rows_read,
        started_at,
        error_message
    from bitrix24_sync_log
    where user_account_id = :account
    order by entity_type asc, id desc
)

select
    entity_type,
    error_message,
    case
        when sync_status <> 'running' then sync_status
        when started_at > now() - interval '1 day' then 'running'
        else 'failed'
    end as sync_status,
    case
        when sync_status <> 'running' then rows_read
        when entity_type = 'lead' then (select count(*) from bitrix24_leads where user_account_id = :account)
        when entity_type = 'deal' then (select count(*) from bitrix24_deals where user_account_id = :account)
        when entity_type = 'contact' then (
            select count(*) from bitrix24_contacts
            where user_account_id = :account
        )
        when entity_type = 'company' then (
            select count(*) from bitrix24_companies
            where user_account_id = :account
        )
        else rows_read
    end as rows_read
from latest
order by started_at;

-- name: settings_made(account)^
-- How many stages have flags by which is counted, and how many conditions and key stages there are.
select
    (
        select count(*) from bitrix24_pipeline_stages
        where user_account_id = :account and deleted_at is null and entity_type in ('lead', 'deal') and is_qualified_stage
    ) as qualified,
    (
        select count(*) from bitrix24_pipeline_stages
        where user_account_id = :account and deleted_at is null and entity_type in ('lead', 'deal') and is_success_stage
    ) as won,
    (
        select count(*) from bitrix24_pipeline_stages
        where user_account_id = :account and deleted_at is null and entity_type in ('lead', 'deal') and is_fail_stage
    ) as lost,
    (
        select coalesce(jsonb_array_length(bitrix24_qualification_fields), 0) from user_accounts
        where id = :account
    ) as conditions;
