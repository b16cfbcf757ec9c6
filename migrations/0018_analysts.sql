-- depends: 0017_funnel_as_of
-- For analysts: masks, readers of custom fields that never fail, and who may read what.
-- The functions stand in views that others read: their bodies are bound here, whatever the reader's search path.

create function b24_masked_digits(digits text) returns text
immutable parallel safe strict
return case
    when length(digits) < 7 then '***'
    -- the country and operator, but never so much that less than five are hidden
    else left(digits, least(4, length(digits) - 7)) || repeat('*', greatest(5, length(digits) - 6)) || right(digits, 2)
end;
comment on function b24_masked_digits is 'The first four and the last two digits at most, with five stars or more between them.';

create function b24_masked_phone(phone text) returns text
immutable parallel safe strict
return case
    when phone ~ '^\s*\+' and phone ~ '([0-9][^0-9]*){7}' then '+'
    else ''
end || b24_masked_digits(regexp_replace(phone, '[^0-9]', '', 'g'));
comment on function b24_masked_phone is 'A phone that tells country and operator, not whose it is: +7921*****67.';

create function b24_masked_email(email text) returns text
immutable parallel safe strict
return case
    when email ~ '^[^@[:space:]]{2,}@[[:alnum:].-]+$' then left(email, 1) || '***@' || split_part(email, '@', 2)
    when email ~ '^[^@[:space:]]@[[:alnum:].-]+$' then '***@' || split_part(email, '@', 2)
    else '***'
end;
comment on function b24_masked_email is 'An e-mail address that tells its domain, not whose it is: i***@example.com.';

create function b24_as_json(value jsonb) returns jsonb
immutable parallel safe strict
return case when value not in ('null', 'false', '""', '[]', '{}') then value end;
comment on function b24_as_json is 'A value of a custom field as it came; null for the portal''s forms of nothing.';

create function b24_as_text(value jsonb) returns text
immutable parallel safe strict
return case when jsonb_typeof(value) in ('string', 'number') then nullif(value #>> '{}', '') end;
comment on function b24_as_text is 'A text or number as text; null for nothing, lists and objects.';

create function b24_as_number(value jsonb) returns numeric
immutable parallel safe strict
return case
    when b24_as_text(value) ~ '^-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$' then b24_as_text(value)::numeric
end;
comment on function b24_as_number is 'A number with all of its digits; null for what is none.';

create function b24_as_whole(value jsonb) returns bigint
immutable parallel safe strict
return case when b24_as_text(value) ~ '^-?[0-9]{1,18}$' then b24_as_text(value)::bigint end;
comment on function b24_as_whole is 'A whole number; null for what is none.';

create function b24_as_flag(value jsonb) returns boolean
immutable parallel safe strict
return case
    when value in ('true', '"1"', '1', '"Y"') then true
    when value in ('false', '"0"', '0', '"N"') then false
end;
comment on function b24_as_flag is 'Yes or no; null for what is neither.';

create function b24_day(day text) returns date
immutable parallel safe strict
return case
    when day ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and day > '0001'
        then
            case
                -- the 31st of April would be an error
                when
                    right(day, 2)::int <= extract(
                        day from make_date(left(day, 4)::int, substr(day, 6, 2)::int, 1) + interval '1 month - 1 day'
                    )
                    then make_date(left(day, 4)::int, substr(day, 6, 2)::int, right(day, 2)::int)
            end
end;
comment on function b24_day is 'A day of the calendar; null for what is none.';

create function b24_as_date(value jsonb) returns date
immutable parallel safe strict
return case when b24_as_text(value) ~ '^.{10}([T ]|$)' then b24_day(left(b24_as_text(value), 10)) end;
comment on function b24_as_date is 'The day of an ISO date or time; null for what is none.';

create function b24_as_time(value jsonb) returns timestamptz
stable parallel safe strict
return case
    when
        b24_as_date(value) is not null
        and b24_as_text(value)
        ~ '^.{10}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])$'
        then b24_as_text(value)::timestamptz
end;
comment on function b24_as_time is 'A moment: an ISO time with its zone; null for what is none.';

create function b24_as_amount(value jsonb) returns numeric
immutable parallel safe strict
return b24_as_number(to_jsonb(split_part(b24_as_text(value), '|', 1)));
comment on function b24_as_amount is 'The amount of a money field (100.50|RUB); null for what is none.';

create function b24_as_currency(value jsonb) returns text
immutable parallel safe strict
return case when b24_as_amount(value) is not null then nullif(split_part(b24_as_text(value), '|', 2), '') end;
comment on function b24_as_currency is 'The currency of a money field (100.50|RUB); null where there is no amount.';

create function b24_items(value jsonb) returns jsonb
immutable parallel safe
return case
    when jsonb_typeof(value) = 'array' then value
    when b24_as_json(value) is null then '[]'::jsonb
    else jsonb_build_array(value)
end;
comment on function b24_items is 'The values of a multiple field as a list, also where only one came.';

create table bitrix24_custom_field_views (
    user_account_id uuid primary key,
    schema_name text not null unique,
    digest text,
    built_at timestamptz,
    problem_digest text,
    problem_at timestamptz
);
-- without a foreign key: of a portal that is gone the row says which schema has to go
comment on table bitrix24_custom_field_views is 'The schema with the typed custom fields of each portal, and of which catalogue its views were made.';
comment on column bitrix24_custom_field_views.user_account_id is 'The portal.';
comment on column bitrix24_custom_field_views.schema_name is 'Its schema: analytics_ and the portal''s name, or what is left of it.';
comment on column bitrix24_custom_field_views.digest is 'Of the catalogue that the views show; where another is found they are made again.';
comment on column bitrix24_custom_field_views.built_at is 'When they were made last.';
comment on column bitrix24_custom_field_views.problem_digest is 'Of the catalogue that could not be shown, because of another''s view on ours.';
comment on column bitrix24_custom_field_views.problem_at is 'When that was tried last; it is tried again after an hour.';

create table analyst_roles (
    role_name text primary key,
    granted_at timestamptz not null default now()
);
comment on table analyst_roles is 'Roles that may read the marts, those built later too (b24 analysts grant).';
comment on column analyst_roles.role_name is 'The role.';
comment on column analyst_roles.granted_at is 'Since when.';
