-- No more own leads reach a key stage than there are, and each key stage of a direction is over the same ones.
select
    portal,
    direction_id
from {{ ref('key_stage_stats') }}
group by portal, direction_id
having
    bool_or(reached > total_leads)
    or sum(total_leads) filter (where key_stage_index = 1) * count(distinct key_stage_index) != sum(total_leads)
