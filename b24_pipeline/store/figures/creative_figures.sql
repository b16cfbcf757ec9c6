-- name: whole(portal, entity_type, direction)
-- What each creative has brought in all the time, of the marts.
with key_stages as (
    select
        known.direction_id,
        coalesce(known.creative_id::text, '') as creative,
        sum(known.reached) filter (where known.key_stage_index = 1)::bigint as key_stage_1,
        sum(known.reached) filter (where known.key_stage_index = 2)::bigint as key_stage_2,
        sum(known.reached) filter (where known.key_stage_index = 3)::bigint as key_stage_3
    from analytics.key_stage_stats as known
    where known.portal = :portal and known.entity_type = :entity_type
    group by known.direction_id, coalesce(known.creative_id::text, '')
)

select
    stats.creative_id,
    stats.creative_name,
    null as utm_campaign,
    stats.direction_id,
    stats.direction_name,
    stats.leads,
    stats.matched,
    stats.qualified,
    key_stages.key_stage_1,
    key_stages.key_stage_2,
    key_stages.key_stage_3,
    stats.entities,
    stats.won,
    stats.lost,
    stats.revenue_by_currency
from analytics.creative_stats as stats
left join key_stages
    on
        stats.direction_id = key_stages.direction_id
        and coalesce(stats.creative_id::text, '') = key_stages.creative
where
    stats.portal = :portal and stats.entity_type = :entity_type
    and (cast(:direction as uuid) is null or stats.direction_id = :direction);

-- name: part(portal, entity_type, first_day, last_day, direction, by)
-- What the own leads of some days have brought, by creative or by campaign.
select
    creative_id,
    creative_name,
    utm_campaign,
    direction_id,
    direction_name,
    leads,
    matched,
    qualified,
    key_stage_1,
    key_stage_2,
    key_stage_3,
    entities,
    won,
    lost,
    revenue_by_currency
from analytics.creatives_of(:portal, :entity_type, :first_day, :last_day, :direction, :by);

-- name: stages(account, zone, entity_type, by, creative, campaign, direction, first_day, last_day)
-- Where the leads or deals of a creative's own leads stand now, pipeline by pipeline; empty stages too, but for deleted
-- ones, and pipelines where nobody stands.
with own as (
    select
        own_lead.stage_key,
        count(*) as own_leads,
        count(*) filter (where own_lead.is_qualified) as qualified
    from analytics_build.int_own_lead as own_lead
    where
        own_lead.user_account_id = :account
        and own_lead.entity_type = :entity_type
        and own_lead.stage_key is not null
        and own_lead.direction_id is not distinct from cast(:direction as uuid)
        and case :by
            when 'campaign' then own_lead.utm_campaign is not distinct from cast(:campaign as text)
            else own_lead.creative_id is not distinct from cast(:creative as uuid)
        end
        and (
            cast(:first_day as date) is null
            or own_lead.created_at >= cast(cast(:first_day as date) as timestamp) at time zone :zone
        )
        and (
            cast(:last_day as date) is null
            or own_lead.created_at < cast(cast(:last_day as date) + 1 as timestamp) at time zone :zone
        )
    group by own_lead.stage_key
),

counted as (
    select
        stage.category_id,
        stage.category_name,
        stage.status_id,
        stage.status_name,
        stage.status_color,
        stage.status_sort,
        stage.is_success_stage,
        stage.is_fail_stage,
        stage.is_deleted,
        coalesce(own.own_leads, 0) as own_leads,
        coalesce(own.qualified, 0) as qualified,
        sum(own.own_leads) over (partition by stage.category_id) as in_pipeline,
        sum(own.own_leads) over () as total
    from analytics_build.int_stage as stage
    left join own on stage.stage_key = own.stage_key
    where stage.user_account_id = :account and stage.entity_type = :entity_type
)

select
    counted.category_id,
    counted.category_name,
    counted.status_id,
    counted.status_name,
    counted.status_color,
    counted.is_success_stage,
    counted.is_fail_stage,
    counted.is_deleted,
    counted.own_leads,
    counted.qualified,
    counted.own_leads::double precision / counted.total as share
from counted
where counted.in_pipeline > 0 and (counted.own_leads > 0 or not counted.is_deleted)
order by counted.category_id asc, counted.status_sort asc nulls last, counted.status_id asc;

-- name: creative_name(account, creative)$
select name
from creatives
where user_account_id = :account and id = :creative;
