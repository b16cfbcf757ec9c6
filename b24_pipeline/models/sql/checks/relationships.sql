-- Values that have no row in the other model.
select child.{{ column_name }} as from_field
from {{ model }} as child
where
    child.{{ column_name }} is not null
    and not exists (
        select 1
        from {{ ref(to) }} as parent
        where parent.{{ field }} = child.{{ column_name }}
    )
