-- name: own_leads(account, search, by, creative, campaign, direction, first_day, last_day, zone, is_linked, in_contacts, most, skipped)
-- Own leads with what each has become and why, or why nothing; the latest left first. `by` null: of any creative and
-- campaign.
with chosen as (
    select
        own.id,
        own.created_at
    from leads as own
    left join lead_matches as m on own.id = m.lead_id
    where
        own.user_account_id = :account
        and case cast(:by as text)
            when 'campaign' then own.utm_campaign is not distinct from cast(:campaign as text)
            when 'creative' then own.creative_id is not distinct from cast(:creative as uuid)
            else true
        end
        and (cast(:by as text) is null or own.direction_id is not distinct from cast(:direction as uuid))
        and (
            cast(:first_day as date) is null
            or own.created_at >= cast(cast(:first_day as date) as timestamp) at time zone :zone
        )
        and (
            cast(:last_day as date) is null
            or own.created_at < cast(cast(:last_day as date) + 1 as timestamp) at time zone :zone
        )
        and (cast(:is_linked as boolean) is null or (m.method is not null) = cast(:is_linked as boolean))
        and (
            cast(:search as text) is null
            or strpos(
                lower(
                    case
                        when :in_contacts then concat_ws(' ', own.name, own.phone, own.email, own.phones::text)
                        else own.name
                    end
                ),
                lower(:search)
            ) > 0
        )
    order by own.created_at desc, own.id desc
    limit :most
    offset :skipped
)

select
    chosen.id,
    own.name,
    own.phone,
    own.email,
    own.created_at,
    creative.name as creative_name,
    direction.name as direction_name,
    own.utm_campaign,
    own.is_qualified,
    own.bitrix24_lead_id as lead_id,
    own.bitrix24_deal_id as deal_id,
    own.bitrix24_contact_id as contact_id,
    m.bitrix24_company_id as company_id,
    own.current_status_id as status_id,
    stage.status_name,
    stage.status_color,
    own.current_status_id is not null and (stage.id is null or stage.deleted_at is not null) as stage_is_deleted,
    coalesce(deal.title, lead.title) as title,
    m.method,
    m.matched_phone,
    m.chosen_because,
    case when m.lead_id is null then 'not_matched_yet' else m.unmatched_reason end as unmatched_reason,
    coalesce(m.candidates, '[]') as candidates
from chosen
inner join leads as own on chosen.id = own.id
left join lead_matches as m on chosen.id = m.lead_id
left join creatives as creative on own.creative_id = creative.id
left join account_directions as direction on own.direction_id = direction.id
left join bitrix24_deals as deal
    on own.user_account_id = deal.user_account_id and own.bitrix24_deal_id = deal.id
left join bitrix24_leads as lead
    on own.user_account_id = lead.user_account_id and own.bitrix24_lead_id = lead.id
left join bitrix24_pipeline_stages as stage
    on
        own.user_account_id = stage.user_account_id
        and own.bitrix24_entity_type = stage.entity_type
        and own.current_pipeline_id = stage.category_id
        and own.current_status_id = stage.status_id
order by chosen.created_at desc, chosen.id desc;

-- name: count_own_leads(account, search, by, creative, campaign, direction, first_day, last_day, zone, is_linked, in_contacts)$
-- How many own leads the filters leave.
select count(*)
from leads as own
left join lead_matches as m on own.id = m.lead_id
where
    own.user_account_id = :account
    and case cast(:by as text)
        when 'campaign' then own.utm_campaign is not distinct from cast(:campaign as text)
        when 'creative' then own.creative_id is not distinct from cast(:creative as uuid)
        else true
    end
    and (cast(:by as text) is null or own.direction_id is not distinct from cast(:direction as uuid))
    and (
        cast(:first_day as date) is null
        or own.created_at >= cast(cast(:first_day as date) as timestamp) at time zone :zone
    )
    and (
        cast(:last_day as date) is null
        or own.created_at < cast(cast(:last_day as date) + 1 as timestamp) at time zone :zone
    )
    and (cast(:is_linked as boolean) is null or (m.method is not null) = cast(:is_linked as boolean))
    and (
        cast(:search as text) is null
        or strpos(
            lower(
                case
                    when :in_contacts then concat_ws(' ', own.name, own.phone, own.email, own.phones::text)
                    else own.name
                end
            ),
            lower(:search)
        ) > 0
    );

-- name: counts(account)^
-- How the own leads of a portal stand.
select
    (
        select count(*)
        from leads
        where user_account_id = :account
    ) as own_leads,
    (
        select count(*)
        from lead_matches
        where user_account_id = :account and method is not null
    ) as linked;

-- name: own_lead(account, own_lead)
-- One own lead as a line of the list.
select
    own.id,
    own.name,
    own.phone,
    own.email,
    own.created_at,
    creative.name as creative_name,
    direction.name as direction_name,
    own.utm_campaign,
    own.is_qualified,
    own.bitrix24_lead_id as lead_id,
    own.bitrix24_deal_id as deal_id,
    own.bitrix24_contact_id as contact_id,
    m.bitrix24_company_id as company_id,
    own.current_status_id as status_id,
    stage.status_name,
    stage.status_color,
    own.current_status_id is not null and (stage.id is null or stage.deleted_at is not null) as stage_is_deleted,
    coalesce(deal.title, lead.title) as title,
    m.method,
    m.matched_phone,
    m.chosen_because,
    case when m.lead_id is null then 'not_matched_yet' else m.unmatched_reason end as unmatched_reason,
    coalesce(m.candidates, '[]') as candidates
from leads as own
left join lead_matches as m on own.id = m.lead_id
left join creatives as creative on own.creative_id = creative.id
left join account_directions as direction on own.direction_id = direction.id
left join bitrix24_deals as deal
    on own.user_account_id = deal.user_account_id and own.bitrix24_deal_id = deal.id
left join bitrix24_leads as lead
    on own.user_account_id = lead.user_account_id and own.bitrix24_lead_id = lead.id
left join bitrix24_pipeline_stages as stage
    on
        own.user_account_id = stage.user_account_id
        and own.bitrix24_entity_type = stage.entity_type
        and own.current_pipeline_id = stage.category_id
        and own.current_status_id = stage.status_id
where own.user_account_id = :account and own.id = :own_lead;

-- name: candidates(account, own_lead)
-- The deals and leads that have one of its phones, deals first, of each the latest first.
select
    one.type as entity_type,
    one.id as entity_id,
    coalesce(deal.title, lead.title) as title,
    coalesce(deal.date_create, lead.date_create) as date_create,
    coalesce(deal.stage_id, lead.status_id) as status_id,
    stage.status_name,
    stage.status_color,
    coalesce(deal.stage_id, lead.status_id) is not null
    and (stage.id is null or stage.deleted_at is not null) as stage_is_deleted
from lead_matches as m
cross join lateral jsonb_to_recordset(m.candidates) as one (type text, id bigint)
left join bitrix24_deals as deal
    on one.type = 'deal' and m.user_account_id = deal.user_account_id and one.id = deal.id
left join bitrix24_leads as lead
    on one.type = 'lead' and m.user_account_id = lead.user_account_id and one.id = lead.id
left join bitrix24_pipeline_stages as stage
    on
        m.user_account_id = stage.user_account_id
        and one.type = stage.entity_type
        and coalesce(deal.category_id, 0) = stage.category_id
        and coalesce(deal.stage_id, lead.status_id) = stage.status_id
where
    m.user_account_id = :account and m.lead_id = :own_lead
    and coalesce(deal.id, lead.id) is not null
    and coalesce(deal.deleted_at, lead.deleted_at) is null
order by one.type asc, date_create desc nulls last, one.id desc;

-- name: is_by_hand(account, own_lead)$
-- Whether a person has said what it has become.
select exists(
    select
    from lead_links
    where user_account_id = :account and lead_id = :own_lead
);
