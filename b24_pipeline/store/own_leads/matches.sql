-- name: portal(account)^
-- What is counted of it, and whether it has own leads at all.
select
    a.bitrix24_entity_type as entity_type,
    exists(select from leads as l where l.user_account_id = a.id) as has_own_leads
from user_accounts as a
where a.id = :account;

-- name: make_staging()#
-- The own leads to be matched now, and what was found for each. Emptied at each commit.
create temporary table if not exists own_to_match (
    lead_id uuid primary key,
    phones text[] not null,
    phones_of text not null,
    is_changed boolean not null
) on commit delete rows;
create temporary table if not exists found_matches (
    lead_id uuid primary key,
    phones text[] not null,
    phones_of text not null,
    is_changed boolean not null,
    base text,
    matched_phone text,
    crm_lead_id bigint,
    crm_contact_id bigint,
    crm_company_id bigint,
    crm_deal_id bigint,
    status_id text,
    category_id bigint,
    entity_type text,
    candidates jsonb not null,
    chosen_because text,
    unmatched_reason text
) on commit delete rows;
truncate own_to_match, found_matches;

-- name: unread(account)
-- Own leads whose phone was not read yet, or is another one now.
select
    id::text,
    coalesce(phone, '') as phone
from leads
where user_account_id = :account and coalesce(phone, '') is distinct from phones_of;

-- name: all_phones(account)
-- All own leads, where phones are read in a new way.
select
    id::text,
    coalesce(phone, '') as phone
from leads
where user_account_id = :account;

-- name: copy_to_match()#
-- Their phones in E.164.
copy own_to_match (lead_id, phones, phones_of, is_changed) from stdin;

-- name: count_moved(account, since, most)$
-- How many deals, leads and contact links were stored since then, as far as it matters.
select
    (
        select count(*)
        from (
            select
            from bitrix24_deals
            where user_account_id = :account and loaded_at >= :since
            order by loaded_at
            limit :most
        ) as moved
    ) + (
        select count(*)
        from (
            select
            from bitrix24_leads
            where user_account_id = :account and loaded_at >= :since
            order by loaded_at
            limit :most
        ) as moved
    ) + (
        select count(*)
        from (
            select
            from bitrix24_contact_links
            where user_account_id = :account and loaded_at >= :since
            order by loaded_at
            limit :most
        ) as moved
    );

-- name: stages_changed(account, since)$
-- Whether a stage of deals counts as something else now.
select exists(
    select
    from bitrix24_pipeline_stages
    where user_account_id = :account and entity_type = 'deal' and loaded_at >= :since
);

-- name: add_all(account)!
-- Every own lead is looked at again.
insert into own_to_match (lead_id, phones, phones_of, is_changed)
select
    id,
    phones,
    phones_of,
    false
from leads
where user_account_id = :account and phones_of is not null
on conflict do nothing;

-- name: touch_phones_of_deals(account, since)!
-- A deal that has changed concerns whoever has a phone of its contacts, of its company or of its lead.
insert into touched_phones (phone)
select p.phone
from bitrix24_deals as d
inner join bitrix24_phones as p
    on p.user_account_id = :account and p.entity_type = 'contact' and d.contact_id = p.entity_id
where d.user_account_id = :account and d.loaded_at >= :since
union
select p.phone
from bitrix24_deals as d
inner join bitrix24_contact_links as k
    on k.user_account_id = :account and k.entity_type = 'deal' and d.id = k.entity_id and k.deleted_at is null
inner join bitrix24_phones as p
    on p.user_account_id = :account and p.entity_type = 'contact' and k.contact_id = p.entity_id
where d.user_account_id = :account and d.loaded_at >= :since
union
select p.phone
from bitrix24_deals as d
inner join bitrix24_phones as p
    on p.user_account_id = :account and p.entity_type = 'company' and d.company_id = p.entity_id
where d.user_account_id = :account and d.loaded_at >= :since
union
select p.phone
from bitrix24_deals as d
inner join bitrix24_phones as p
    on p.user_account_id = :account and p.entity_type = 'lead' and d.lead_id = p.entity_id
where d.user_account_id = :account and d.loaded_at >= :since;

-- name: touch_phones_of_leads(account, since)!
-- A lead that has changed concerns whoever has a phone of its contacts or of its company; its own phones are known.
insert into touched_phones (phone)
select p.phone
from bitrix24_leads as c
inner join bitrix24_phones as p
    on p.user_account_id = :account and p.entity_type = 'contact' and c.contact_id = p.entity_id
where c.user_account_id = :account and c.loaded_at >= :since
union
select p.phone
from bitrix24_leads as c
inner join bitrix24_contact_links as k
    on k.user_account_id = :account and k.entity_type = 'lead' and c.id = k.entity_id and k.deleted_at is null
inner join bitrix24_phones as p
    on p.user_account_id = :account and p.entity_type = 'contact' and k.contact_id = p.entity_id
where c.user_account_id = :account and c.loaded_at >= :since
union
select p.phone
from bitrix24_leads as c
inner join bitrix24_phones as p
    on p.user_account_id = :account and p.entity_type = 'company' and c.company_id = p.entity_id
where c.user_account_id = :account and c.loaded_at >= :since;

-- name: touch_phones_of_links(account, since)!
-- A contact that was added to a lead or deal, or removed from it, concerns whoever has its phone.
insert into touched_phones (phone)
select distinct p.phone
from bitrix24_contact_links as k
inner join bitrix24_phones as p
    on p.user_account_id = :account and p.entity_type = 'contact' and k.contact_id = p.entity_id
where k.user_account_id = :account and k.loaded_at >= :since and k.entity_type in ('lead', 'deal');

-- name: add_by_few_phones(account)!
-- Own leads that a touched phone concerns: few phones are looked up in the index.
with touched as (
    select l.id
    from leads as l
    where
        l.user_account_id = :account
        and l.phones && (select coalesce(array_agg(distinct phone), '{}') from touched_phones)
)

insert into own_to_match (lead_id, phones, phones_of, is_changed)
select
    id,
    phones,
    phones_of,
    false
from touched
inner join leads using (id)
where phones_of is not null
on conflict do nothing;

-- name: add_by_many_phones(account)!
-- Own leads that a touched phone concerns: for many phones, all own leads are read once.
with phones as (
    select distinct phone from touched_phones
),

touched as (
    select distinct l.id
    from leads as l
    cross join lateral unnest(l.phones) as one (phone)
    inner join phones on one.phone = phones.phone
    where l.user_account_id = :account
)

insert into own_to_match (lead_id, phones, phones_of, is_changed)
select
    id,
    phones,
    phones_of,
    false
from touched
inner join leads using (id)
where phones_of is not null
on conflict do nothing;

-- name: whole_scans(allowed)$
-- A handful of rows is looked up in an index, whatever the planner believes of a table that has just grown.
select set_config('enable_seqscan', :allowed, true);

-- name: add_by_few_candidates(account, since)!
-- Own leads whose evidence names a deal or lead that has changed: few of them are looked up in the index.
with moved as (
    select
        'deal' as type,
        id
    from bitrix24_deals
    where user_account_id = :account and loaded_at >= :since
    union all
    select
        'lead' as type,
        id
    from bitrix24_leads
    where user_account_id = :account and loaded_at >= :since
)

insert into own_to_match (lead_id, phones, phones_of, is_changed)
select
    l.id,
    l.phones,
    l.phones_of,
    false
from moved
inner join lead_matches as m
    on m.candidates @> jsonb_build_array(jsonb_build_object('id', moved.id, 'type', moved.type))
inner join leads as l on m.lead_id = l.id
where m.user_account_id = :account and l.phones_of is not null
on conflict do nothing;

-- name: add_by_many_candidates(account, since)!
-- Own leads whose evidence names a deal or lead that has changed: for many, all evidence is read once.
with moved as (
    select
        'deal' as type,
        id
    from bitrix24_deals
    where user_account_id = :account and loaded_at >= :since
    union all
    select
        'lead' as type,
        id
    from bitrix24_leads
    where user_account_id = :account and loaded_at >= :since
)

insert into own_to_match (lead_id, phones, phones_of, is_changed)
select
    l.id,
    l.phones,
    l.phones_of,
    false
from lead_matches as m
cross join lateral jsonb_to_recordset(m.candidates) as one (id bigint, type text)
inner join moved on one.id = moved.id and one.type = moved.type
inner join leads as l on m.lead_id = l.id
where m.user_account_id = :account and l.phones_of is not null
on conflict do nothing;

-- name: add_linked(account, since)!
-- Own leads whose lead, deal or contact has changed, those whose deal or lead names a contact or a lead that came only
-- now, and those that a person has linked to a lead or deal that is there again.
with touched as (
    select l.id
    from bitrix24_deals as d
    inner join leads as l on l.user_account_id = :account and d.id = l.bitrix24_deal_id
    where d.user_account_id = :account and d.loaded_at >= :since
    union
    select l.id
    from bitrix24_leads as c
    inner join leads as l on l.user_account_id = :account and c.id = l.bitrix24_lead_id
    where c.user_account_id = :account and c.loaded_at >= :since
    union
    select l.id
    from bitrix24_contacts as c
    inner join leads as l on l.user_account_id = :account and c.id = l.bitrix24_contact_id
    where c.user_account_id = :account and c.loaded_at >= :since and c.deleted_at is not null
    union
    select l.id
    from bitrix24_contacts as c
    inner join bitrix24_deals as d on d.user_account_id = :account and c.id = d.contact_id
    inner join leads as l on l.user_account_id = :account and d.id = l.bitrix24_deal_id
    where
        c.user_account_id = :account and c.loaded_at >= :since
        and l.bitrix24_contact_id is distinct from c.id
    union
    select l.id
    from bitrix24_contacts as c
    inner join bitrix24_leads as crm on crm.user_account_id = :account and c.id = crm.contact_id
    inner join leads as l on l.user_account_id = :account and crm.id = l.bitrix24_lead_id
    where
        c.user_account_id = :account and c.loaded_at >= :since
        and l.bitrix24_contact_id is distinct from c.id
    union
    select l.id
    from bitrix24_leads as c
    inner join bitrix24_deals as d on d.user_account_id = :account and c.id = d.lead_id
    inner join leads as l on l.user_account_id = :account and d.id = l.bitrix24_deal_id
    where c.user_account_id = :account and c.loaded_at >= :since and l.bitrix24_lead_id is distinct from c.id
    union
    select k.lead_id
    from bitrix24_deals as d
    inner join lead_links as k
        on k.user_account_id = :account and k.bitrix24_entity_type = 'deal' and d.id = k.bitrix24_entity_id
    where d.user_account_id = :account and d.loaded_at >= :since
    union
    select k.lead_id
    from bitrix24_leads as c
    inner join lead_links as k
        on k.user_account_id = :account and k.bitrix24_entity_type = 'lead' and c.id = k.bitrix24_entity_id
    where c.user_account_id = :account and c.loaded_at >= :since
)

insert into own_to_match (lead_id, phones, phones_of, is_changed)
select
    id,
    phones,
    phones_of,
    false
from touched
inner join leads using (id)
where phones_of is not null
on conflict do nothing;

-- name: add_leads(account, ids)!
-- These own leads.
insert into own_to_match (lead_id, phones, phones_of, is_changed)
select
    id,
    phones,
    phones_of,
    false
from leads
where user_account_id = :account and id = any(cast(:ids as uuid[])) and phones_of is not null
on conflict do nothing;

-- name: count_to_match()$
select count(*) from own_to_match;

-- name: analyze_to_match()#
analyze own_to_match;

-- name: make_candidates()#
-- Who has each phone (`phone_holders`), and the ways from there to deals and leads (`phone_ways`). What the CRM has for
-- each phone: a row for each phone and lead, contact, company or deal (`type`), with the phone of whom it was found by
-- (`base`). `contact_id` is the contact with the phone, else the main one; `company_id` is there where the company's
-- phone alone leads to it. And the best of these for each own lead. All are dropped at the end of the transaction.
create temporary table if not exists phone_holders (
    phone text not null,
    type text not null,
    id bigint not null,
    date_create timestamptz
) on commit drop;
create temporary table if not exists phone_ways (
    phone text not null,
    type text not null,
    id bigint not null,
    base text not null,
    place integer not null,
    contact_id bigint,
    company_id bigint
) on commit drop;
create temporary table if not exists phone_candidates (
    phone text not null,
    type text not null,
    id bigint not null,
    base text not null,
    date_create timestamptz,
    is_open boolean,
    category_id bigint,
    status_id text,
    lead_id bigint,
    contact_id bigint,
    company_id bigint,
    place integer not null
) on commit drop;
create temporary table if not exists chosen_candidates (
    own_id uuid not null,
    like phone_candidates
) on commit drop;
truncate phone_holders, phone_ways, phone_candidates, chosen_candidates;

-- name: find_holders(account)!
-- Leads, contacts and companies by the phones of the own leads. Each phone is looked up once, however many own leads
-- share it.
insert into phone_holders (phone, type, id, date_create)
with wanted_phones as materialized (
    select distinct wanted.phone
    from own_to_match as own
    cross join lateral unnest(own.phones) as wanted (phone)
),

holders as materialized (
    select
        p.phone,
        p.entity_type as type,
        p.entity_id as id
    from wanted_phones
    inner join bitrix24_phones as p on p.user_account_id = :account and wanted_phones.phone = p.phone
)

select
    holders.*,
    l.date_create
from holders
inner join bitrix24_leads as l on l.user_account_id = :account and holders.id = l.id and l.deleted_at is null
where holders.type = 'lead'
union all
select
    holders.*,
    c.date_create
from holders
inner join bitrix24_contacts as c on c.user_account_id = :account and holders.id = c.id and c.deleted_at is null
where holders.type = 'contact'
union all
select
    holders.*,
    c.date_create
from holders
inner join bitrix24_companies as c on c.user_account_id = :account and holders.id = c.id and c.deleted_at is null
where holders.type = 'company';

-- name: analyze_holders()#
-- The planner knows nothing of a temporary table that was just filled.
analyze phone_holders;

-- name: find_ways_to_deals(account)!
-- Deals of those who have a phone. `place`: a deal that is reached in several ways is so by its main contact, else
-- another contact, else the lead that it was made from, else its company.
insert into phone_ways (phone, type, id, base, place, contact_id, company_id)
select
    holder.phone,
    'deal' as type,
    d.id,
    'contact_phone' as base,
    0 as place,
    holder.id as contact_id,
    null::bigint as company_id
from phone_holders as holder
inner join bitrix24_deals as d on d.user_account_id = :account and holder.id = d.contact_id
where holder.type = 'contact'
union all
select
    holder.phone,
    'deal' as type,
    k.entity_id as id,
    'contact_phone' as base,
    1 as place,
    holder.id as contact_id,
    null::bigint as company_id
from phone_holders as holder
inner join bitrix24_contact_links as k
    on
        k.user_account_id = :account and holder.id = k.contact_id and k.entity_type = 'deal'
        and k.deleted_at is null
where holder.type = 'contact'
union all
select
    holder.phone,
    'deal' as type,
    d.id,
    'lead_phone' as base,
    2 as place,
    d.contact_id,
    null::bigint as company_id
from phone_holders as holder
inner join bitrix24_deals as d on d.user_account_id = :account and holder.id = d.lead_id
where holder.type = 'lead'
union all
select
    holder.phone,
    'deal' as type,
    d.id,
    'company_phone' as base,
    3 as place,
    d.contact_id,
    holder.id as company_id
from phone_holders as holder
inner join bitrix24_deals as d on d.user_account_id = :account and holder.id = d.company_id
where holder.type = 'company';

-- name: find_ways_to_leads(account)!
-- Leads that have a phone, and those of contacts and companies that have it. `place`: a lead that is reached in several
-- ways is so by its own phone, else its main contact, else another contact, else its company.
insert into phone_ways (phone, type, id, base, place, contact_id, company_id)
select
    holder.phone,
    'lead' as type,
    l.id,
    'lead_phone' as base,
    0 as place,
    l.contact_id,
    null::bigint as company_id
from phone_holders as holder
inner join bitrix24_leads as l on l.user_account_id = :account and holder.id = l.id
where holder.type = 'lead'
union all
select
    holder.phone,
    'lead' as type,
    l.id,
    'contact_phone' as base,
    1 as place,
    holder.id as contact_id,
    null::bigint as company_id
from phone_holders as holder
inner join bitrix24_leads as l on l.user_account_id = :account and holder.id = l.contact_id
where holder.type = 'contact'
union all
select
    holder.phone,
    'lead' as type,
    k.entity_id as id,
    'contact_phone' as base,
    2 as place,
    holder.id as contact_id,
    null::bigint as company_id
from phone_holders as holder
inner join bitrix24_contact_links as k
    on
        k.user_account_id = :account and holder.id = k.contact_id and k.entity_type = 'lead'
        and k.deleted_at is null
where holder.type = 'contact'
union all
select
    holder.phone,
    'lead' as type,
    l.id,
    'company_phone' as base,
    3 as place,
    l.contact_id,
    holder.id as company_id
from phone_holders as holder
inner join bitrix24_leads as l on l.user_account_id = :account and holder.id = l.company_id
where holder.type = 'company';

-- name: analyze_ways()#
-- Nor of this one.
analyze phone_ways;

-- name: find_candidates(account, with_people)!
-- The deals and leads that are reached, each by the first of its ways; with people, whoever has a phone too. Templates of
-- recurring deals are left out.
insert into phone_candidates (
    phone, type, id, base, date_create, is_open, category_id, status_id, lead_id, contact_id, company_id, place
)
with reached as (
    select distinct on (phone, type, id) *
    from phone_ways
    order by phone asc, type asc, id asc, place asc, contact_id asc, company_id asc
)

select
    reached.phone,
    reached.type,
    d.id,
    reached.base,
    d.date_create,
    not coalesce(s.is_success_stage or s.is_fail_stage, false) as is_open,
    d.category_id,
    d.stage_id as status_id,
    d.lead_id,
    reached.contact_id,
    reached.company_id,
    reached.place
from reached
inner join bitrix24_deals as d on d.user_account_id = :account and reached.id = d.id
left join bitrix24_pipeline_stages as s
    on
        s.user_account_id = :account and s.entity_type = 'deal'
        and d.category_id = s.category_id and d.stage_id = s.status_id
where reached.type = 'deal' and d.deleted_at is null and d.is_recurring is not true
union all
select
    reached.phone,
    reached.type,
    l.id,
    reached.base,
    l.date_create,
    null as is_open,
    0 as category_id,
    l.status_id,
    l.id as lead_id,
    reached.contact_id,
    reached.company_id,
    reached.place
from reached
inner join bitrix24_leads as l on l.user_account_id = :account and reached.id = l.id
where reached.type = 'lead' and l.deleted_at is null
union all
select
    phone,
    type,
    id,
    type || '_phone' as base,
    date_create,
    null as is_open,
    null as category_id,
    null as status_id,
    null as lead_id,
    case type when 'contact' then id end as contact_id,
    case type when 'company' then id end as company_id,
    0 as place
from phone_holders
where :with_people and type in ('contact', 'company');

-- name: analyze_candidates()#
-- Both statements below are planned by these two columns.
analyze phone_candidates (phone, type);

-- name: choose_best()!
-- The best deal, lead, contact and company for each own lead: what somebody's own phone leads to before what a
-- company's phone leads to, an open deal before a closed one, then the newest. First the best of each phone, then the
-- best of the own lead's phones: so a phone that thousands share costs no more.
insert into chosen_candidates
with best_of_phone as (
    select distinct on (phone, type) *
    from phone_candidates
    order by
        phone asc, type asc, base = 'company_phone' asc, is_open desc, date_create desc nulls last, id desc
)

select distinct on (own.lead_id, best.type)
    own.lead_id as own_id,
    best.*
from own_to_match as own
cross join lateral unnest(own.phones) as wanted (phone)
inner join best_of_phone as best on wanted.phone = best.phone
order by
    own.lead_id asc, best.type asc, best.base = 'company_phone' asc, best.is_open desc,
    best.date_create desc nulls last, best.id desc,
    best.place asc, best.contact_id asc, best.company_id asc, best.phone asc;

-- name: explain_matches(account, most_candidates)!
-- What each own lead is linked to and why, or why to nothing, and whatever else has its phones. A deal counts
-- before a lead, and both before a contact; but for those that only a company's phone leads to: they count where no
-- other deal or lead was found.
insert into found_matches (
    lead_id, phones, phones_of, is_changed, base, matched_phone, crm_lead_id, crm_contact_id, crm_company_id,
    crm_deal_id, status_id, category_id, entity_type, candidates, chosen_because, unmatched_reason
)
with newest_of_phone as (
    select
        phone,
        type,
        id,
        row_number() over (partition by phone, type order by date_create desc nulls last, id desc) as place
    from phone_candidates
),

candidates_of_own as (
    select distinct
        own.lead_id as own_id,
        newest.type,
        newest.id
    from own_to_match as own
    cross join lateral unnest(own.phones) as wanted (phone)
    inner join newest_of_phone as newest on wanted.phone = newest.phone
    where newest.place <= :most_candidates
),

listed as (
    select
        own_id,
        jsonb_agg(jsonb_build_object('type', type, 'id', id) order by type, id) as candidates
    from candidates_of_own
    group by own_id
),

deals as (
    select deal.*
    from chosen_candidates as deal
    left join chosen_candidates as crm_lead on deal.own_id = crm_lead.own_id and crm_lead.type = 'lead'
    where
        deal.type = 'deal'
        and (deal.base != 'company_phone' or coalesce(crm_lead.base, 'company_phone') = 'company_phone')
),

crm_leads as (
    select crm_lead.*
    from chosen_candidates as crm_lead
    left join deals on crm_lead.own_id = deals.own_id
    where crm_lead.type = 'lead' and (crm_lead.base != 'company_phone' or deals.own_id is null)
)

select
    own.lead_id,
    own.phones,
    own.phones_of,
    own.is_changed,
    coalesce(deal.base, crm_lead.base, contact.base, company.base) as base,
    coalesce(deal.phone, crm_lead.phone, contact.phone, company.phone) as matched_phone,
    coalesce(lead_of_deal.id, crm_lead.id) as crm_lead_id,
    case
        when coalesce(deal.base, crm_lead.base) = 'company_phone'
            then coalesce(contact.id, contact_of_deal.id, contact_of_lead.id)
        when deal.id is null and crm_lead.base = 'contact_phone' then contact_of_lead.id
        else coalesce(contact_of_deal.id, contact.id, contact_of_lead.id)
    end as crm_contact_id,
    case
        when deal.id is not null then deal.company_id
        when crm_lead.id is not null then crm_lead.company_id
        when contact.id is null then company.id
    end as crm_company_id,
    deal.id as crm_deal_id,
    case when deal.id is not null then deal.status_id else crm_lead.status_id end as status_id,
    case when deal.id is not null then deal.category_id else crm_lead.category_id end as category_id,
    coalesce(deal.type, crm_lead.type) as entity_type,
    coalesce(listed.candidates, '[]') as candidates,
    case
        when deal.base = 'lead_phone' then 'deal_of_lead'
        when deal.is_open then 'newest_open_deal'
        when deal.id is not null then 'newest_deal'
        when crm_lead.id is not null then 'newest_lead'
        when contact.id is not null then 'only_contact'
        when company.id is not null then 'only_company'
    end as chosen_because,
    case
        when coalesce(deal.id, crm_lead.id, contact.id, company.id) is not null then null
        when trim(own.phones_of) = '' then 'no_phone'
        when own.phones = '{}' then 'invalid_phone'
        else 'not_found'
    end as unmatched_reason
from own_to_match as own
left join deals as deal on own.lead_id = deal.own_id
left join crm_leads as crm_lead on own.lead_id = crm_lead.own_id
left join chosen_candidates as contact on own.lead_id = contact.own_id and contact.type = 'contact'
left join chosen_candidates as company on own.lead_id = company.own_id and company.type = 'company'
left join listed on own.lead_id = listed.own_id
left join bitrix24_leads as lead_of_deal
    on
        lead_of_deal.user_account_id = :account and deal.lead_id = lead_of_deal.id
        and lead_of_deal.deleted_at is null
left join bitrix24_contacts as contact_of_deal
    on
        contact_of_deal.user_account_id = :account and deal.contact_id = contact_of_deal.id
        and contact_of_deal.deleted_at is null
left join bitrix24_contacts as contact_of_lead
    on
        contact_of_lead.user_account_id = :account and crm_lead.contact_id = contact_of_lead.id
        and contact_of_lead.deleted_at is null;

-- name: apply_links(account)!
-- What a person has said goes before what was found, as long as that lead or deal is there.
update found_matches as found
set
    base = case when link.bitrix24_entity_type is not null then 'by_hand' end,
    matched_phone = null,
    crm_lead_id = coalesce(crm_lead.id, lead_of_deal.id),
    crm_contact_id = contact.id,
    crm_company_id = null,
    crm_deal_id = deal.id,
    status_id = case when deal.id is not null then deal.stage_id else crm_lead.status_id end,
    category_id = case when deal.id is not null then deal.category_id when crm_lead.id is not null then 0 end,
    entity_type = link.bitrix24_entity_type,
    chosen_because = case when link.bitrix24_entity_type is not null then 'by_hand' end,
    unmatched_reason = case when link.bitrix24_entity_type is null then 'by_hand' end
from lead_links as link
left join bitrix24_deals as deal
    on
        deal.user_account_id = :account and link.bitrix24_entity_type = 'deal'
        and link.bitrix24_entity_id = deal.id and deal.deleted_at is null and deal.is_recurring is not true
left join bitrix24_leads as crm_lead
    on
        crm_lead.user_account_id = :account and link.bitrix24_entity_type = 'lead'
        and link.bitrix24_entity_id = crm_lead.id and crm_lead.deleted_at is null
left join bitrix24_leads as lead_of_deal
    on
        lead_of_deal.user_account_id = :account and deal.lead_id = lead_of_deal.id
        and lead_of_deal.deleted_at is null
left join bitrix24_contacts as contact
    on
        contact.user_account_id = :account and coalesce(deal.contact_id, crm_lead.contact_id) = contact.id
        and contact.deleted_at is null
where
    link.user_account_id = :account
    and link.lead_id = found.lead_id
    and (link.bitrix24_entity_type is null or deal.id is not null or crm_lead.id is not null);

-- name: store_matches(account, by_portal, asked)^
-- Kept as evidence. What the portal's search brought stays its find as long as the same is chosen.
with known as (
    select
        found.lead_id,
        m.method,
        case
            when found.base is null then null
            when found.base = 'by_hand' then found.base
            when
                case
                    when m.method is null then :by_portal
                    else starts_with(m.method, 'portal') and (
                        m.bitrix24_contact_id = found.crm_contact_id or m.bitrix24_lead_id = found.crm_lead_id
                        or m.bitrix24_company_id = found.crm_company_id
                    )
                end
                then 'portal_' || split_part(found.base, '_', 1)
            else found.base
        end as new_method,
        case
            when found.lead_id = any(cast(:asked as uuid[])) then clock_timestamp()
            when not found.is_changed then m.asked_portal_at
        end as asked_portal_at
    from found_matches as found
    left join lead_matches as m on found.lead_id = m.lead_id
),

stored as (
    insert into lead_matches as m (
        lead_id, user_account_id, method, matched_phone, bitrix24_lead_id, bitrix24_contact_id,
        bitrix24_company_id, bitrix24_deal_id, candidates, chosen_because, unmatched_reason, asked_portal_at, matched_at
    )
    select
        found.lead_id,
        :account,
        known.new_method,
        found.matched_phone,
        found.crm_lead_id,
        found.crm_contact_id,
        found.crm_company_id,
        found.crm_deal_id,
        found.candidates,
        found.chosen_because,
        found.unmatched_reason,
        known.asked_portal_at,
        case when known.new_method is not null then clock_timestamp() end
    from found_matches as found
    inner join known on found.lead_id = known.lead_id
    on conflict (lead_id) do update
    set
        method = excluded.method,
        matched_phone = excluded.matched_phone,
        bitrix24_lead_id = excluded.bitrix24_lead_id,
        bitrix24_contact_id = excluded.bitrix24_contact_id,
        bitrix24_company_id = excluded.bitrix24_company_id,
        bitrix24_deal_id = excluded.bitrix24_deal_id,
        candidates = excluded.candidates,
        chosen_because = excluded.chosen_because,
        unmatched_reason = excluded.unmatched_reason,
        asked_portal_at = excluded.asked_portal_at,
        matched_at = case when excluded.method is not null then coalesce(m.matched_at, excluded.matched_at) end,
        updated_at = clock_timestamp()
    where
        (
            m.method, m.matched_phone, m.bitrix24_lead_id, m.bitrix24_contact_id, m.bitrix24_company_id,
            m.bitrix24_deal_id,
            m.candidates, m.chosen_because, m.unmatched_reason, m.asked_portal_at
        ) is distinct from (
            excluded.method, excluded.matched_phone, excluded.bitrix24_lead_id, excluded.bitrix24_contact_id,
            excluded.bitrix24_company_id, excluded.bitrix24_deal_id, excluded.candidates, excluded.chosen_because,
            excluded.unmatched_reason, excluded.asked_portal_at
        )
    returning m.lead_id
)

select
    (select count(*) from stored) as stored,
    count(*) filter (where known.method is null and known.new_method is not null) as linked
from known;

-- name: store_links(account)$
-- The own leads themselves follow; returns how many are linked to something else now, or stand elsewhere.
with others as (
    select found.lead_id
    from found_matches as found
    inner join leads as l on found.lead_id = l.id
    where
        l.user_account_id = :account
        and (
            l.bitrix24_lead_id, l.bitrix24_contact_id, l.bitrix24_deal_id, l.current_status_id,
            l.current_pipeline_id, l.bitrix24_entity_type
        ) is distinct from (
            found.crm_lead_id, found.crm_contact_id, found.crm_deal_id, found.status_id,
            found.category_id, found.entity_type
        )
),

known as (
    select
        found.*,
        others.lead_id is not null as is_other
    from found_matches as found
    left join others on found.lead_id = others.lead_id
    where found.is_changed or others.lead_id is not null
),

stored as (
    update leads as l
    set
        phones = known.phones,
        phones_of = known.phones_of,
        bitrix24_lead_id = known.crm_lead_id,
        bitrix24_contact_id = known.crm_contact_id,
        bitrix24_deal_id = known.crm_deal_id,
        current_status_id = known.status_id,
        current_pipeline_id = known.category_id,
        bitrix24_entity_type = known.entity_type,
        loaded_at = case when known.is_other then clock_timestamp() else l.loaded_at end
    from known
    where l.user_account_id = :account and l.id = known.lead_id
    returning known.is_other
)

select count(*) filter (where is_other) from stored;

-- name: to_ask(account)
-- Own leads that were not found and have not been asked for within a day.
select
    l.id,
    l.phones
from leads as l
inner join lead_matches as m on l.id = m.lead_id
where
    l.user_account_id = :account and m.user_account_id = :account and m.unmatched_reason = 'not_found'
    and (m.asked_portal_at is null or m.asked_portal_at < clock_timestamp() - interval '1 day')
order by l.phones, l.id;

-- name: count_matches(account)^
-- How the own leads of a portal stand.
select
    count(*) as own_leads,
    count(*) filter (where m.method is not null) as matched,
    count(*) filter (where m.unmatched_reason = 'not_found') as not_found
from leads as l
left join lead_matches as m on l.id = m.lead_id
where l.user_account_id = :account;
