-- Who is qualified is so by a field, and since some time: all three are there, or none.
select
    portal,
    entity_type,
    entity_id
from {{ ref('qualification') }}
where
    (matched_field is null) != (first_qualified_at is null)
    or (is_qualified and matched_field is null)
