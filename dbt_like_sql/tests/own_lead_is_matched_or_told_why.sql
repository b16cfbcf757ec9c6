-- An own lead has a match or the reason why not, and its link says what it is.
select
    portal,
    own_lead_id
from {{ ref('lead_matches') }}
where
    (method is null) = (unmatched_reason is null)
    or (deal_id is not null and entity_type != 'deal')
    or (entity_type = 'lead' and lead_id is null)
