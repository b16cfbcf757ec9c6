-- name: called
-- The rows of a function of a portal. JSON comes as text, as above.
select
    {%- for column in columns %}
    called.{{ column.name }}{% if column.is_json %}::text as {{ column.name }}{% endif %}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from {{ relation }}(
    {%- for argument in arguments %}
    {{ argument.name }} => {{ argument.value }}{% if not loop.last %},{% endif %}
    {%- endfor %}
) as called;

-- name: zone
-- The zone of a portal's clock.
select time_zone
from {{ relation }}
where portal = {{ portal }};
