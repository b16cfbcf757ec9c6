-- Values beyond the known ones.
select {{ column_name }} as value_field, count(*) as n_records
from {{ model }}
where {{ column_name }} not in ({{ values | join(', ') }})
group by {{ column_name }}
