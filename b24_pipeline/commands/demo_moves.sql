-- The newest moves from stage to stage.
select
    h.changed_at,
    h.entity_type,
    h.entity_id,
    s.status_name as stage
from bitrix24_status_history as h
left join bitrix24_pipeline_stages as s
    on
        h.user_account_id = s.user_account_id
        and h.entity_type = s.entity_type
        and h.to_category_id = s.category_id
        and h.to_status_id = s.status_id
order by h.changed_at desc
limit 10;
