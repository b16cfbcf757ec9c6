-- depends: 0046_people_of
-- What the own ad leads of some days have brought, by creative or by campaign.

create function analytics.creatives_of(
    portal text,
    entity_type text,
    first_day date default null,
    last_day date default null,
    direction uuid default null,
    by text default 'creative'
)
returns table (
    creative_id uuid,
    creative_name text,
    utm_campaign text,
    direction_id uuid,
    direction_name text,
    leads bigint,
    matched bigint,
    qualified bigint,
    key_stage_1 bigint,
    key_stage_2 bigint,
    key_stage_3 bigint,
    entities bigint,
    won bigint,
    lost bigint,
    revenue numeric,
    currency_id text,
    revenue_by_currency jsonb
)
-- The tables below the marts are nobody's but ours: the function reads them for whoever may read the marts. A plan is made
-- for each call, since with other filters another one is the best.
language plpgsql stable security definer
set search_path = pg_catalog
set plan_cache_mode = force_custom_plan
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
    account uuid := (select id from public.user_accounts where name = creatives_of.portal);
    zone text := (select known.bitrix24_time_zone from public.user_accounts as known where known.name = creatives_of.portal);
    after timestamptz := creatives_of.first_day::timestamp at time zone zone;
    before timestamptz := (creatives_of.last_day + 1)::timestamp at time zone zone;
begin
    if creatives_of.entity_type not in ('lead', 'deal') then
        raise exception 'entity_type is lead or deal, not %', creatives_of.entity_type
            using errcode = 'invalid_parameter_value';
    end if;
    if creatives_of.by not in ('creative', 'campaign') then
        raise exception 'by is creative or campaign, not %', creatives_of.by
            using errcode = 'invalid_parameter_value';
    end if;
    if not exists (
        select from pg_attribute as built
        where built.attrelid = to_regclass('analytics_build.int_own_entity') and built.attname = 'utm_campaign'
    ) then
        raise exception 'the models are not built yet'
            using errcode = 'undefined_table', hint = 'Run `b24 models`.';
    end if;
    return query
    with key_stages as (
        select
            chosen.direction_id,
            max(chosen.stage_key) filter (where chosen.key_stage_index = 1) as first_key,
            max(chosen.stage_key) filter (where chosen.key_stage_index = 2) as second_key,
            max(chosen.stage_key) filter (where chosen.key_stage_index = 3) as third_key
        from analytics_build.int_key_stage as chosen
        where chosen.user_account_id = account and chosen.entity_type = creatives_of.entity_type
        group by chosen.direction_id
    ),
    by_currency as (
        select
            case when creatives_of.by = 'creative' then own_lead.creative_id end as creative_id,
            case when creatives_of.by = 'campaign' then own_lead.utm_campaign end as utm_campaign,
            own_lead.direction_id,
            null as currency_id,
            count(*) as leads,
            count(own_lead.entity_id) as matched,
            count(*) filter (where own_lead.is_qualified) as qualified,
            count(*) filter (where key_stages.first_key = any(own_lead.stage_keys)) as reached_first,
            count(*) filter (where key_stages.second_key = any(own_lead.stage_keys)) as reached_second,
            count(*) filter (where key_stages.third_key = any(own_lead.stage_keys)) as reached_third,
            0 as entities,
            0 as won,
            0 as lost,
            null::numeric as revenue
        from analytics_build.int_own_lead as own_lead
        left join key_stages on own_lead.direction_id = key_stages.direction_id
        where
            own_lead.user_account_id = account
            and own_lead.entity_type = creatives_of.entity_type
            and (after is null or own_lead.created_at >= after)
            and (before is null or own_lead.created_at < before)
            and (creatives_of.direction is null or own_lead.direction_id = creatives_of.direction)
        group by 1, 2, 3
        union all
        -- a lead or deal counts once, for the earliest of the own leads that it has come from
        select
            case when creatives_of.by = 'creative' then entity.creative_id end,
            case when creatives_of.by = 'campaign' then entity.utm_campaign end,
            entity.direction_id,
            entity.currency_id,
            0, 0, 0, 0, 0, 0,
            count(*),
            count(*) filter (where stage.is_success_stage),
            count(*) filter (where stage.is_fail_stage),
            sum(entity.opportunity) filter (where stage.is_success_stage)
        from analytics_build.int_own_entity as entity
        left join analytics_build.int_stage as stage on entity.stage_key = stage.stage_key
        where
            entity.user_account_id = account
            and entity.entity_type = creatives_of.entity_type
            and (after is null or entity.created_at >= after)
            and (before is null or entity.created_at < before)
            and (creatives_of.direction is null or entity.direction_id = creatives_of.direction)
        group by 1, 2, 3, 4
        union all
        -- in its own direction a creative is shown even while it has brought nothing
        select
            creative.creative_id, null, creative.direction_id, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, null
        from analytics_build.int_creative as creative
        where
            creatives_of.by = 'creative'
            and creative.user_account_id = account
            and (creatives_of.direction is null or creative.direction_id = creatives_of.direction)
    ),
    -- money in different currencies is never added up
    counted as (
        select
            by_currency.creative_id,
            by_currency.utm_campaign,
            by_currency.direction_id,
            sum(by_currency.leads)::bigint as leads,
            sum(by_currency.matched)::bigint as matched,
            sum(by_currency.qualified)::bigint as qualified,
            sum(by_currency.reached_first)::bigint as reached_first,
            sum(by_currency.reached_second)::bigint as reached_second,
            sum(by_currency.reached_third)::bigint as reached_third,
            sum(by_currency.entities)::bigint as entities,
            sum(by_currency.won)::bigint as won,
            sum(by_currency.lost)::bigint as lost,
            count(by_currency.revenue) as currencies,
            max(by_currency.currency_id) filter (where by_currency.revenue is not null) as currency_id,
            -- as many decimals as the amounts have, and two at least
            sum(round(by_currency.revenue, greatest(min_scale(by_currency.revenue), 2))) as revenue,
            jsonb_object_agg(
                by_currency.currency_id, round(by_currency.revenue, greatest(min_scale(by_currency.revenue), 2))
            ) filter (where by_currency.revenue is not null) as revenue_by_currency
        from by_currency
        group by by_currency.creative_id, by_currency.utm_campaign, by_currency.direction_id
    )
    select
        counted.creative_id,
        creative.creative_name,
        counted.utm_campaign,
        counted.direction_id,
        known.name,
        counted.leads,
        counted.matched,
        counted.qualified,
        case when key_stages.first_key is not null then counted.reached_first end,
        case when key_stages.second_key is not null then counted.reached_second end,
        case when key_stages.third_key is not null then counted.reached_third end,
        counted.entities,
        counted.won,
        counted.lost,
        case when counted.currencies > 1 then null else coalesce(counted.revenue, 0) end,
        case when counted.currencies = 1 then nullif(counted.currency_id, 'XXX') end,
        coalesce(counted.revenue_by_currency, '{}')
    from counted
    left join key_stages on counted.direction_id = key_stages.direction_id
    left join analytics_build.int_creative as creative on counted.creative_id = creative.creative_id
    left join public.account_directions as known on counted.direction_id = known.id
    order by counted.leads desc, creative.creative_name, counted.utm_campaign, known.name;
end;
$$;
comment on function analytics.creatives_of is 'What the own ad leads that were left from first_day to last_day (days in the portal''s time zone, both included; null: no bound) have brought, by creative (by => ''campaign'': by utm_campaign) and direction; direction: of one alone, by its direction_id. Without days the rows are those of creative_stats, and their columns mean the same. key_stage_1 to key_stage_3 are own leads that have ever been in the key stages of their direction; null where it has no such key stage, or one of the other entity type. A deal that several own leads have become counts for the earliest of them, in the days of that one. A portal that is not known has no rows, and no error.';
