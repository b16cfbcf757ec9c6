-- name: freshness(account, entities)
-- Before which moment leads and deals are complete, by the slower of those that are counted: null where one was never
-- read to the end, or where no figures were built yet. When the portal was last asked for them, and how the last read
-- of each has ended.
select
    case
        when
            count(cursor.watermark) = cardinality(cast(:entities as text[]))
            and exists (select from bitrix24_model_sources as built where built.schema_name = 'analytics')
            then min(cursor.watermark)
    end as complete_until,
    extract(epoch from now() - min(cursor.updated_at))::double precision as looked_seconds,
    coalesce(
        bool_and(
            last_read.sync_status = 'success' and last_read.rows_changed + last_read.rows_deleted = 0
            -- nor have events brought anything since
            and not exists (
                select from bitrix24_sync_log as newer
                where
                    newer.user_account_id = cursor.user_account_id
                    and newer.entity_type = cursor.entity_type
                    and newer.id > last_read.id
                    and newer.rows_changed + newer.rows_deleted > 0
            )
        ),
        false
    ) as was_unchanged,
    coalesce(bool_or(last_read.sync_status = 'failed'), false) as has_failed
from bitrix24_cursors as cursor
left join lateral (
    select
        log.id,
        log.sync_status,
        log.rows_changed,
        log.rows_deleted
    from bitrix24_sync_log as log
    where
        log.user_account_id = cursor.user_account_id
        and log.entity_type = cursor.entity_type
        and log.sync_type in ('full', 'incremental')
        and log.finished_at is not null
    order by log.id desc
    limit 1
) as last_read on true
where cursor.user_account_id = :account and cursor.entity_type = any(cast(:entities as text[]));
