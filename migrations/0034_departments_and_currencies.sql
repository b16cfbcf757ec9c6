-- depends: 0031_changes
-- Departments and currencies of a portal: people ask for figures by department, and in one currency.

create table bitrix24_departments (
    user_account_id uuid not null references user_accounts on delete cascade,
    id bigint not null,
    name text,
    sort bigint,
    parent bigint,
    uf_head bigint,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, id)
);
comment on table bitrix24_departments is 'Departments of the portal (department.get). Empty where the credential lacks the scope department.';
comment on column bitrix24_departments.user_account_id is 'The portal.';
comment on column bitrix24_departments.id is 'The portal''s number of the department.';
comment on column bitrix24_departments.name is 'What people see.';
comment on column bitrix24_departments.sort is 'Place in the order.';
comment on column bitrix24_departments.parent is 'The department that it is a part of; null for the topmost.';
comment on column bitrix24_departments.uf_head is 'The user who heads it, if anybody.';
comment on column bitrix24_departments.loaded_at is 'Last change of this row with us.';
comment on column bitrix24_departments.deleted_at is 'When it was found to be gone; null while alive.';

create table bitrix24_currencies (
    user_account_id uuid not null references user_accounts on delete cascade,
    currency text not null,
    full_name text,
    amount numeric,
    amount_cnt numeric,
    base boolean,
    sort bigint,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (user_account_id, currency)
);
comment on table bitrix24_currencies is 'Currencies of the portal with its rates of now (crm.currency.list); the portal keeps no earlier ones.';
comment on column bitrix24_currencies.user_account_id is 'The portal.';
comment on column bitrix24_currencies.currency is 'Code of the currency (ISO 4217).';
comment on column bitrix24_currencies.full_name is 'What people see.';
comment on column bitrix24_currencies.amount is 'Rate: so much of the base currency is worth amount_cnt units.';
comment on column bitrix24_currencies.amount_cnt is 'For how many units the rate is.';
comment on column bitrix24_currencies.base is 'Whether it is the currency of the account, in which the rates are.';
comment on column bitrix24_currencies.sort is 'Place in the order.';
comment on column bitrix24_currencies.loaded_at is 'Last change of this row with us.';
comment on column bitrix24_currencies.deleted_at is 'When it was found to be gone; null while alive.';
