-- name: counts(account, first_day, last_day, zone)
-- Leads and deals created in a period, and those of them that fulfil a condition of qualification.
select
    entity.entity_type,
    count(*) as entities,
    count(by_field.entity_id) as qualified
from (
    select
        'lead' as entity_type,
        id as entity_id,
        date_create
    from bitrix24_leads
    where user_account_id = :account and deleted_at is null
    union all
    select
        'deal' as entity_type,
        id as entity_id,
        date_create
    from bitrix24_deals
    where user_account_id = :account and deleted_at is null and is_recurring is not true
) as entity
left join bitrix24_qualification as by_field
    on
        by_field.user_account_id = :account
        and entity.entity_type = by_field.entity_type
        and entity.entity_id = by_field.entity_id
        and by_field.is_qualified
where
    (
        cast(:first_day as date) is null
        or entity.date_create >= cast(cast(:first_day as date) as timestamp) at time zone :zone
    )
    and (
        cast(:last_day as date) is null
        or entity.date_create < cast(cast(:last_day as date) + 1 as timestamp) at time zone :zone
    )
group by entity.entity_type
order by entity.entity_type desc;
