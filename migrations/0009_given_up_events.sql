-- depends: 0008_coverage
-- Events that were given up are counted at every look at a portal's health: few rows of a large table.

create index bitrix24_webhook_events_failed on bitrix24_webhook_events (user_account_id)
where status = 'failed';
