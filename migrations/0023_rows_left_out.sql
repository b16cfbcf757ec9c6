-- depends: 0018_analysts
-- A move is stored although the portal did not say its pipeline, and rows that cannot be stored are counted.

alter table bitrix24_status_history alter column to_category_id drop not null;
comment on column bitrix24_status_history.to_category_id is
'Pipeline after; 0 for leads. Where the portal leaves it out it is taken from the code of the stage (C7:NEW is of pipeline 7, NEW of 0). Null where that does not say it either: the models then count the move in the pipeline of the deal.';

alter table bitrix24_sync_log add column rows_left_out bigint not null default 0;
comment on column bitrix24_sync_log.rows_left_out is
'Rows that the portal sent and that could not be stored: without a usable id, or a move without a lead or deal, a stage or a time.';
comment on column bitrix24_sync_log.values_set_aside is
'Values that could not be stored as they came. One that did not fit its column is in extra; in a custom field what PostgreSQL cannot hold is replaced.';

-- moves without a pipeline were left out until now: where that may have happened all moves are read once more
delete from bitrix24_cursors as c
using bitrix24_sync_log as l
where
    c.entity_type in ('lead_history', 'deal_history')
    and l.user_account_id = c.user_account_id and l.entity_type = c.entity_type and l.values_set_aside > 0;
