-- name: rows
-- Rows of a mart: of one portal or all, of some days or all. A day is a day of the portal's clock.
-- JSON comes as text, so that its amounts keep their digits whatever the driver makes of JSON.
select
    {%- for column in columns %}
    mart.{{ column.name }}{% if column.is_json %}::text as {{ column.name }}{% endif %}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from {{ relation }} as mart
{%- if time_column %}
inner join {{ portals }} as portal on mart.portal = portal.portal
{%- endif %}
where
    true
    {%- if of_portal %}
    and mart.portal = {{ portal }}
    {%- endif %}
    {%- if of_entity_type %}
    and mart.entity_type = {{ entity_type }}
    {%- endif %}
    {%- if day_column %}
    and mart.{{ day_column }} >= coalesce(cast({{ first }} as date), '-infinity')
    and mart.{{ day_column }} <= coalesce(cast({{ last }} as date), 'infinity')
    {%- endif %}
    {%- if time_column %}
    and mart.{{ time_column }} >= coalesce(cast({{ first }} as timestamp) at time zone portal.time_zone, '-infinity')
    and mart.{{ time_column }}
    < coalesce((cast({{ last }} as timestamp) + interval '1 day') at time zone portal.time_zone, 'infinity')
    {%- endif %};

-- name: portals
-- The portals that there are.
select portal
from {{ relation }}
order by portal;
