-- name: as_of(account, entities)$
-- Before this moment leads and deals are complete, by the slower of those that are counted; null where one was never
-- read to the end, or where no figures were built yet.
select
    case
        when
            count(cursor.watermark) = cardinality(cast(:entities as text[]))
            and exists (select from bitrix24_model_sources as built where built.schema_name = 'analytics')
            then min(cursor.watermark)
    end as complete_until
from bitrix24_cursors as cursor
where cursor.user_account_id = :account and cursor.entity_type = any(cast(:entities as text[]));
