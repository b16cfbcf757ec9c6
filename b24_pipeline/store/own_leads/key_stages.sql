-- name: key_stage_stats(account, direction, first_day, last_day)
-- A row for each key stage and creative, over the direction's own leads. Has been there: by any move that is
-- known, or by the present stage. Without key stages one row a creative. Days are days in the portal's time zone.
with direction as (

    select
        direction.id,
        direction.key_stages,
        direction.bitrix24_entity_type as entity_type,
        portal.bitrix24_time_zone as time_zone
    from account_directions as direction
    inner join user_accounts as portal on direction.user_account_id = portal.id
    where direction.user_account_id = :account and direction.id = :direction

),

own as (

    select
        own.id,
        own.creative_id,
        coalesce(deal.id, lead.id) as entity_id,
        case when deal.id is not null then coalesce(deal.category_id, 0) else 0 end as category_id,
        coalesce(deal.stage_id, lead.status_id) as status_id
    from leads as own
    inner join direction on own.direction_id = direction.id
    left join bitrix24_leads as lead
        on
            direction.entity_type = 'lead'
            and own.user_account_id = lead.user_account_id
            and own.bitrix24_lead_id = lead.id
            and lead.deleted_at is null
    left join bitrix24_deals as deal
        on
            direction.entity_type = 'deal'
            and own.user_account_id = deal.user_account_id
            and own.bitrix24_deal_id = deal.id
            and deal.deleted_at is null
            and deal.is_recurring is not true
    where
        own.user_account_id = :account
        and (
            cast(:first_day as date) is null
            or own.created_at >= cast(:first_day as date)::timestamp at time zone direction.time_zone
        )
        and (
            cast(:last_day as date) is null
            or own.created_at < (cast(:last_day as date) + 1)::timestamp at time zone direction.time_zone
        )

),

chosen as (

    select
        direction.entity_type,
        listed.number,
        (listed.stage ->> 'category_id')::bigint as category_id,
        listed.stage ->> 'status_id' as status_id
    from direction
    cross join lateral jsonb_array_elements(direction.key_stages) with ordinality as listed (stage, number)

),

-- each own lead once for each key stage that its lead or deal has been in
reached as (

    select
        own.id,
        chosen.number
    from own
    inner join chosen on own.category_id = chosen.category_id and own.status_id = chosen.status_id

    union

    select
        own.id,
        chosen.number
    from own
    cross join chosen
    inner join bitrix24_status_history as history
        on
            history.user_account_id = :account
            and chosen.entity_type = history.entity_type
            and own.entity_id = history.entity_id
            and chosen.category_id = coalesce(history.to_category_id, own.category_id)
            and chosen.status_id = history.to_status_id

)

select
    chosen.number::integer as number,
    own.creative_id,
    creative.name as creative_name,
    count(own.id) as own_leads,
    count(reached.id) as reached
from own
left join chosen on true
left join reached on own.id = reached.id and chosen.number = reached.number
left join creatives as creative on own.creative_id = creative.id
group by chosen.number, own.creative_id, creative.name
order by chosen.number asc, own_leads desc, creative.name asc nulls last;
