-- name: reached(portal)
-- How many own leads of each direction have reached each of its key stages, of how many.
select
    direction_id,
    key_stage_index,
    sum(total_leads)::bigint as total_leads,
    sum(reached)::bigint as reached
from analytics.key_stage_stats
where portal = :portal
group by direction_id, key_stage_index;
