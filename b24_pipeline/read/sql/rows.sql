-- name: rows
-- Rows of a mart, all or those of a portal, an entity type and a range of days in the portal's time zone.
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
    {%- if by_portal %}
    and mart.portal = {{ portal }}
    {%- endif %}
    {%- if by_entity_type %}
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
-- The names of the portals that the models know.
select portal
from {{ relation }}
order by portal;

-- name: funnel_as_of
-- The funnel at a moment; one without a zone is of the portal's clock. JSON comes as text, as above.
select
    funnel.category_id,
    funnel.category_name,
    funnel.status_id,
    funnel.status_name,
    funnel.status_sort,
    funnel.in_stage,
    funnel.reached,
    funnel.amount_in_stage,
    funnel.currency_id,
    funnel.amounts_by_currency::text as amounts_by_currency,
    funnel.amount_in_base,
    funnel.base_currency_id
from {{ portals }} as portal
cross join lateral {{ relation }}(
    portal.portal, {{ entity_type }},
    {% if is_local %}cast({{ moment }} as timestamp) at time zone portal.time_zone{% else %}{{ moment }}{% endif %}
) as funnel
where portal.portal = {{ portal }};
