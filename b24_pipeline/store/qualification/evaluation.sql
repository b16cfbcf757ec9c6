-- name: conditions(account)^
-- The conditions of a portal.
select
    name as portal,
    bitrix24_qualification_fields as conditions
from user_accounts
where id = :account;

-- name: save_conditions(account, conditions)!
-- The conditions from now on.
update user_accounts
set bitrix24_qualification_fields = :conditions
where id = :account;

-- name: make_changed()#
-- Leads or deals that are to be evaluated. Emptied at each commit.
create temporary table if not exists changed_entities (id bigint primary key) on commit delete rows;
truncate changed_entities;

-- name: find_changed(account, entity_type, since, about_contacts)!
-- Leads or deals that were stored since then, or one of whose contacts or links was. Without since: all of them.
insert into changed_entities (id)
with changed_contacts as (
    select id
    from bitrix24_contacts
    where
        -- without since all are there already; a row is stamped before it can be seen
        :about_contacts and loaded_at > cast(:since as timestamptz) - interval '2 minutes'
        and user_account_id = :account
)

select id
from bitrix24_leads
where
    :entity_type = 'lead' and user_account_id = :account
    and loaded_at > coalesce(cast(:since as timestamptz) - interval '2 minutes', '-infinity')
union
select id
from bitrix24_deals
where
    :entity_type = 'deal' and user_account_id = :account
    and loaded_at > coalesce(cast(:since as timestamptz) - interval '2 minutes', '-infinity')
union
select l.id
from changed_contacts
inner join bitrix24_leads as l on l.user_account_id = :account and changed_contacts.id = l.contact_id
where :entity_type = 'lead'
union
select d.id
from changed_contacts
inner join bitrix24_deals as d on d.user_account_id = :account and changed_contacts.id = d.contact_id
where :entity_type = 'deal'
union
select link.entity_id as id
from changed_contacts
inner join bitrix24_contact_links as link
    on link.user_account_id = :account and changed_contacts.id = link.contact_id and link.entity_type = :entity_type
union
select entity_id as id
from bitrix24_contact_links
where
    :about_contacts and loaded_at > cast(:since as timestamptz) - interval '2 minutes'
    and user_account_id = :account and entity_type = :entity_type;

-- name: analyze_changed()#
-- The planner knows nothing of a temporary table that was just filled.
analyze changed_entities;

-- name: qualify(account, entity_type, conditions, keep)!
-- The first condition that each of the changed leads or deals fulfils. Of a condition on contacts, any of its contacts
-- suffices, the main one and the others alike. keep: what they fulfilled before still counts, as those conditions are
-- still there.
with conditions as (
    select * from jsonb_to_recordset(:conditions) as (
        place integer, entity_type text, field_name text, field_type text, as_text jsonb, as_number jsonb, pattern text
    )
),

entities as not materialized (
    select
        'lead'::text as entity_type,
        user_account_id,
        id,
        contact_id,
        custom_fields,
        date_create,
        date_modify,
        loaded_at,
        deleted_at
    from bitrix24_leads
    union all
    select
        'deal'::text as entity_type,
        user_account_id,
        id,
        contact_id,
        custom_fields,
        date_create,
        date_modify,
        loaded_at,
        deleted_at
    from bitrix24_deals
),

evaluated as (
    select
        entities.id,
        entities.loaded_at,
        fulfilled.field_name,
        fulfilled.modified_at
    from changed_entities as changed
    inner join entities
        on
            entities.user_account_id = :account and entities.entity_type = :entity_type
            and changed.id = entities.id
    left join lateral (
        select
            conditions.field_name,
            looked_up.modified_at
        from conditions
        cross join lateral (
            select
                entities.custom_fields -> conditions.field_name as found,
                entities.date_modify as modified_at
            where conditions.entity_type = :entity_type
            union all
            select
                contact.custom_fields -> conditions.field_name as found,
                -- not before there was anything that it could qualify
                greatest(contact.date_modify, entities.date_create) as modified_at
            from (
                select entities.contact_id as id
                union
                select link.contact_id as id
                from bitrix24_contact_links as link
                where
                    link.user_account_id = :account and link.entity_type = :entity_type
                    and link.entity_id = entities.id and link.deleted_at is null
            ) as one
            inner join bitrix24_contacts as contact
                on contact.user_account_id = :account and one.id = contact.id and contact.deleted_at is null
            where conditions.entity_type = 'contact'
        ) as looked_up
        where
            entities.deleted_at is null and conditions.entity_type in (:entity_type, 'contact')
            and case conditions.field_type
                when 'boolean' then looked_up.found in ('"1"', '"Y"', 'true', '1')
                -- of a list that one of its elements is, of a single value that it is the same
                when 'enumeration'
                    then looked_up.found @> conditions.as_text or looked_up.found @> conditions.as_number
                else
                    case jsonb_typeof(looked_up.found)
                        when 'string' then looked_up.found #>> '{}' ~ conditions.pattern
                        when 'number' then looked_up.found #>> '{}' ~ conditions.pattern
                        when 'array'
                            then exists (
                                select from jsonb_array_elements_text(looked_up.found) as element (value)
                                where element.value ~ conditions.pattern
                            )
                    end
            end
        order by conditions.place asc, looked_up.modified_at asc nulls last
        limit 1
    ) as fulfilled on true
)

insert into bitrix24_qualification as t (
    user_account_id, entity_type, entity_id, is_qualified, matched_field, first_qualified_at
)
select
    :account,
    :entity_type,
    evaluated.id,
    evaluated.field_name is not null,
    coalesce(evaluated.field_name, case when :keep then known.matched_field end),
    coalesce(
        case when :keep then known.first_qualified_at end,
        case when evaluated.field_name is not null then coalesce(evaluated.modified_at, evaluated.loaded_at) end
    )
from evaluated
left join bitrix24_qualification as known
    on
        known.user_account_id = :account and known.entity_type = :entity_type
        and evaluated.id = known.entity_id
-- who never was qualified has no row
where evaluated.field_name is not null or known.entity_id is not null
on conflict (user_account_id, entity_type, entity_id) do update
set
    is_qualified = excluded.is_qualified,
    matched_field = excluded.matched_field,
    first_qualified_at = excluded.first_qualified_at,
    loaded_at = clock_timestamp()
where
    (t.is_qualified, t.matched_field, t.first_qualified_at)
    is distinct from (excluded.is_qualified, excluded.matched_field, excluded.first_qualified_at);

-- name: mark_own_leads(account, since)!
-- Own leads that were stored since then, or whose lead or deal was evaluated: qualified if one of both is.
with changed as (
    select own.id
    from leads as own
    where
        own.user_account_id = :account
        and own.loaded_at > coalesce(cast(:since as timestamptz) - interval '2 minutes', '-infinity')
    union
    select own.id
    from bitrix24_qualification as evaluated
    inner join leads as own
        on
            evaluated.user_account_id = own.user_account_id and evaluated.entity_id = own.bitrix24_lead_id
            and evaluated.entity_type = 'lead'
    where
        evaluated.user_account_id = :account
        and evaluated.loaded_at > cast(:since as timestamptz) - interval '2 minutes'
    union
    select own.id
    from bitrix24_qualification as evaluated
    inner join leads as own
        on
            evaluated.user_account_id = own.user_account_id and evaluated.entity_id = own.bitrix24_deal_id
            and evaluated.entity_type = 'deal'
    where
        evaluated.user_account_id = :account
        and evaluated.loaded_at > cast(:since as timestamptz) - interval '2 minutes'
),

evaluated as (
    select
        own.id,
        coalesce(of_lead.is_qualified, false) or coalesce(of_deal.is_qualified, false) as is_qualified
    from changed
    inner join leads as own on changed.id = own.id
    left join bitrix24_qualification as of_lead
        on
            own.user_account_id = of_lead.user_account_id and of_lead.entity_type = 'lead'
            and own.bitrix24_lead_id = of_lead.entity_id
    left join bitrix24_qualification as of_deal
        on
            own.user_account_id = of_deal.user_account_id and of_deal.entity_type = 'deal'
            and own.bitrix24_deal_id = of_deal.entity_id
)

update leads
set
    is_qualified = evaluated.is_qualified,
    loaded_at = clock_timestamp()
from evaluated
where leads.id = evaluated.id and leads.is_qualified != evaluated.is_qualified;

-- name: count_qualified(account)
-- How many are qualified now, as the marts count: the templates of recurring deals are no deals.
select
    qualification.entity_type,
    count(*) as qualified
from bitrix24_qualification as qualification
where
    qualification.user_account_id = :account
    and qualification.is_qualified
    and not exists (
        select 1
        from bitrix24_deals as deals
        where
            qualification.entity_type = 'deal'
            and deals.user_account_id = qualification.user_account_id
            and deals.id = qualification.entity_id
            and deals.is_recurring
    )
group by qualification.entity_type;
