-- depends: 0051_run_requests
-- How many stand in each stage is counted with each sync. By these it is counted without reading the rows, of which a
-- large portal has gigabytes.

create index bitrix24_leads_standing on bitrix24_leads (user_account_id, status_id, id) where deleted_at is null;
create index bitrix24_deals_standing on bitrix24_deals (user_account_id, category_id, stage_id, id)
where deleted_at is null and is_recurring is not true;
