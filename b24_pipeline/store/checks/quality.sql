-- name: settled(account)
-- Rows alive that were created before the watermark: what should be here, to the row.
select
    c.entity_type,
    c.watermark,
    case c.entity_type
        when 'lead' then (
            select count(*) from bitrix24_leads as t
            where t.user_account_id = :account and t.deleted_at is null and t.date_create < c.watermark
        )
        when 'deal' then (
            select count(*) from bitrix24_deals as t
            where t.user_account_id = :account and t.deleted_at is null and t.date_create < c.watermark
        )
        when 'contact' then (
            select count(*) from bitrix24_contacts as t
            where t.user_account_id = :account and t.deleted_at is null and t.date_create < c.watermark
        )
        else (
            select count(*) from bitrix24_companies as t
            where t.user_account_id = :account and t.deleted_at is null and t.date_create < c.watermark
        )
    end as alive
from bitrix24_cursors as c
where
    c.user_account_id = :account and c.watermark is not null
    and c.entity_type in ('lead', 'deal', 'contact', 'company');

-- name: orphans(entity)
-- Leads or deals alive whose stage is none of the portal's, by portal and stage.
select
    a.name as portal,
    e.category_id,
    e.status_id,
    count(*) as entities
from (
    select
        user_account_id,
        'lead' as entity_type,
        0 as category_id,
        status_id
    from bitrix24_leads
    where deleted_at is null
    union all
    select
        user_account_id,
        'deal' as entity_type,
        coalesce(category_id, 0) as category_id,
        stage_id as status_id
    from bitrix24_deals
    where deleted_at is null
) as e
inner join user_accounts as a on e.user_account_id = a.id
where
    e.entity_type = :entity
    and not exists (
        select from bitrix24_pipeline_stages as s
        where
            s.user_account_id = e.user_account_id and s.entity_type = e.entity_type
            and s.category_id = e.category_id and s.status_id = e.status_id and s.deleted_at is null
    )
group by a.name, e.category_id, e.status_id
order by a.name, e.category_id, e.status_id;

-- name: freshness()
-- How long ago each connected portal was last read through, by its slowest entity;
-- null where one was never read.
select
    a.name as portal,
    case
        when count(c.watermark) = 4 then extract(epoch from now() - min(c.updated_at))::double precision
    end as seconds
from user_accounts as a
left join bitrix24_cursors as c
    on a.id = c.user_account_id and c.entity_type in ('lead', 'deal', 'contact', 'company')
where a.bitrix24_status = 'connected'
group by a.name
order by a.name;
