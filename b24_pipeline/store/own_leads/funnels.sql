-- name: has_direction(account, direction)$
select exists(
    select 1
    from account_directions
    where user_account_id = :account and id = :direction
);

-- name: has_creative(account, creative)$
select exists(
    select 1
    from creatives
    where user_account_id = :account and id = :creative
);

-- name: creatives(account)
-- By name, with how many own leads each has brought.
select
    creative.id,
    creative.name,
    creative.direction_id,
    direction.name as direction_name,
    creative.created_at,
    (
        select count(*)
        from leads as own
        where own.user_account_id = creative.user_account_id and own.creative_id = creative.id
    ) as own_leads
from creatives as creative
left join account_directions as direction
    on
        creative.user_account_id = direction.user_account_id
        and creative.direction_id = direction.id
where creative.user_account_id = :account
order by creative.name, creative.id;

-- name: creative_funnel(account, entity_type, creative, direction, first_day, last_day)
-- Every stage that is there, and every other one that somebody stands in, with the own leads whose lead or deal
-- stands in it now. Days are days in the portal's time zone, both ends included.
with chosen as (

    select
        own.is_qualified,
        case :entity_type when 'deal' then own.bitrix24_deal_id else own.bitrix24_lead_id end as entity_id
    from leads as own
    inner join user_accounts as portal on own.user_account_id = portal.id
    where
        own.user_account_id = :account
        and (cast(:creative as uuid) is null or own.creative_id = :creative)
        and (cast(:direction as uuid) is null or own.direction_id = :direction)
        and (
            cast(:first_day as date) is null
            or own.created_at >= cast(:first_day as date)::timestamp at time zone portal.bitrix24_time_zone
        )
        and (
            cast(:last_day as date) is null
            or own.created_at
            < (cast(:last_day as date) + 1)::timestamp at time zone portal.bitrix24_time_zone
        )

),

standing as (

    select
        chosen.entity_id,
        chosen.is_qualified,
        0::bigint as category_id,
        lead.status_id,
        lead.status_semantic_id as letter
    from chosen
    inner join bitrix24_leads as lead on chosen.entity_id = lead.id
    where
        :entity_type = 'lead' and lead.user_account_id = :account
        and lead.deleted_at is null and lead.status_id is not null

    union all

    select
        chosen.entity_id,
        chosen.is_qualified,
        coalesce(deal.category_id, 0) as category_id,
        deal.stage_id as status_id,
        deal.stage_semantic_id as letter
    from chosen
    inner join bitrix24_deals as deal on chosen.entity_id = deal.id
    where
        :entity_type = 'deal' and deal.user_account_id = :account
        and deal.deleted_at is null and deal.is_recurring is not true and deal.stage_id is not null

),

qualifying as (

    select
        category_id,
        status_id
    from bitrix24_pipeline_stages
    where user_account_id = :account and entity_type = :entity_type and is_qualified_stage

),

been_in_qualifying as (

    select distinct history.entity_id
    from bitrix24_status_history as history
    inner join standing on history.entity_id = standing.entity_id
    inner join qualifying
        on
            -- a move whose pipeline is not known counts in that of the deal
            coalesce(history.to_category_id, standing.category_id) = qualifying.category_id
            and history.to_status_id = qualifying.status_id
    where history.user_account_id = :account and history.entity_type = :entity_type

),

counted as (

    select
        standing.category_id,
        standing.status_id,
        max(standing.letter) as letter,
        count(*) as own_leads,
        count(*) filter (
            where standing.is_qualified
            or been_in_qualifying.entity_id is not null
            or qualifying.status_id is not null
        ) as qualified
    from standing
    left join been_in_qualifying on standing.entity_id = been_in_qualifying.entity_id
    left join qualifying
        on standing.category_id = qualifying.category_id and standing.status_id = qualifying.status_id
    group by standing.category_id, standing.status_id

),

directory as (

    select *
    from bitrix24_pipeline_stages
    where user_account_id = :account and entity_type = :entity_type

)

select
    coalesce(directory.category_id, counted.category_id) as category_id,
    coalesce(
        nullif(pipeline.name, ''),
        nullif(directory.category_name, ''),
        coalesce(directory.category_id, counted.category_id)::text
    ) as category_name,
    coalesce(directory.status_id, counted.status_id) as status_id,
    coalesce(nullif(directory.status_name, ''), directory.status_id, counted.status_id) as status_name,
    directory.status_color,
    coalesce(directory.is_qualified_stage, false) as is_qualified_stage,
    coalesce(directory.is_success_stage, counted.letter = 'S', false) as is_success_stage,
    coalesce(directory.is_fail_stage, counted.letter = 'F', false) as is_fail_stage,
    coalesce(counted.own_leads, 0) as own_leads,
    coalesce(counted.qualified, 0) as qualified
from directory
full join counted on directory.category_id = counted.category_id and directory.status_id = counted.status_id
left join bitrix24_pipelines as pipeline
    on
        pipeline.user_account_id = :account
        and pipeline.entity_type = :entity_type
        and coalesce(directory.category_id, counted.category_id) = pipeline.category_id
where directory.deleted_at is null or counted.own_leads > 0
order by
    pipeline.sort asc nulls last, category_id asc, directory.status_sort asc nulls last, status_id asc;
