-- depends: 0057_people_of_by_index
-- What is known of each way through the stages is counted already: a selection is counted by way, and no way is walked.

create or replace function analytics.funnel_of(
    portal text,
    entity_type text,
    first_day date default null,
    last_day date default null,
    source_id text default null,
    assigned_by_id bigint default null,
    utm_campaign text default null,
    is_qualified boolean default null,
    ts timestamptz default null,
    pipeline bigint default null
)
returns table (
    category_id bigint,
    category_name text,
    status_id text,
    status_name text,
    status_sort bigint,
    in_stage bigint,
    amounts_by_currency jsonb,
    entered bigint,
    reached bigint,
    reached_implied bigint,
    reached_strict bigint,
    qualified bigint
)
-- The tables below the marts are nobody's but ours: the function reads them for whoever may read the marts. A plan is made
-- for each call, since with other filters another one is the best.
language plpgsql stable security definer
set search_path = pg_catalog
set plan_cache_mode = force_custom_plan
-- enough to group hundreds of thousands of journeys without a file
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
    account uuid := (select id from public.user_accounts where name = funnel_of.portal);
    zone text := (select known.bitrix24_time_zone from public.user_accounts as known where known.name = funnel_of.portal);
    after timestamptz := funnel_of.first_day::timestamp at time zone zone;
    wanted bigint;
    before timestamptz := (funnel_of.last_day + 1)::timestamp at time zone zone;
begin
    if funnel_of.entity_type not in ('lead', 'deal') then
        raise exception 'entity_type is lead or deal, not %', funnel_of.entity_type
            using errcode = 'invalid_parameter_value';
    end if;
    if not exists (
        select from pg_attribute as built
        where built.attrelid = to_regclass('analytics_build.int_journey_step') and built.attname = 'is_first_strict'
    ) then
        raise exception 'the models are not built yet'
            using errcode = 'undefined_table', hint = 'Run `b24 models`.';
    end if;
    wanted := (
        select min(known.pipeline_key)
        from analytics_build.int_stage as known
        where
            known.user_account_id = account
            and known.entity_type = funnel_of.entity_type
            and known.category_id = funnel_of.pipeline
    );
    return query
    -- the same way through the stages is looked at once, however many have gone it
    with selected as materialized (
        select
            journey.journey_key,
            journey.seen,
            journey.stage_keys[journey.seen] as stage_key,
            journey.currency_id,
            count(*) as entities,
            count(*) filter (where journey.is_qualified) as qualified,
            sum(journey.opportunity) as amount
        from (
            select
                one.*,
                case
                    when funnel_of.ts is null then cardinality(one.stage_keys)
                    else width_bucket(funnel_of.ts, one.entered_at)
                end as seen
            from analytics_build.int_journey as one
            where
                one.user_account_id = account
                and one.entity_type = funnel_of.entity_type
                and one.is_counted
                and (after is null or one.date_create >= after)
                and (before is null or one.date_create < before)
                and (funnel_of.source_id is null or one.source_id = funnel_of.source_id)
                and (funnel_of.assigned_by_id is null or one.assigned_by_id = funnel_of.assigned_by_id)
                and (funnel_of.utm_campaign is null or one.utm_campaign = funnel_of.utm_campaign)
                and (funnel_of.is_qualified is null or one.is_qualified = funnel_of.is_qualified)
        ) as journey
        where journey.seen > 0
        group by 1, 2, 3, 4
    ),
    ways as (
        select
            selected.journey_key,
            selected.seen,
            sum(selected.entities) as entities,
            sum(selected.qualified) as qualified
        from selected
        group by selected.journey_key, selected.seen
    ),
    counted as (
        select
            step.stage_key,
            -- a visit that leads no further than those before it raises nothing
            case when step.furthest_sort > step.sort_before then step.sort_before else 9223372036854775807 end
                as raised_above,
            sum(ways.entities) filter (where step.is_first_of_pipeline) as entered,
            sum(ways.entities) filter (where step.is_first_of_stage) as reached,
            sum(ways.entities) filter (where step.is_first_strict) as reached_strict,
            sum(ways.qualified) filter (where step.is_first_of_stage) as qualified
        from ways
        inner join analytics_build.int_journey_step as step
            on
                ways.journey_key = step.journey_key
                and ways.seen >= step.visit_number
        where (step.is_first_of_stage or step.is_first_strict) and (wanted is null or step.pipeline_key = wanted)
        group by 1, 2
    ),
    of_stages as (
        select
            counted.stage_key,
            sum(counted.entered) as entered,
            sum(counted.reached) as reached,
            sum(counted.reached_strict) as reached_strict,
            sum(counted.qualified) as qualified
        from counted
        group by counted.stage_key
    ),
    of_pipelines as (
        select
            rules.pipeline_key,
            sum(of_stages.entered) as entered
        from of_stages
        inner join analytics_build.int_stage_rule as rules on of_stages.stage_key = rules.stage_key
        group by rules.pipeline_key
    ),
    -- who came further than ever before has passed every stage in between
    implied as (
        select
            passed.stage_key,
            sum(counted.reached) as reached
        from counted
        inner join analytics_build.int_stage_rule as raised on counted.stage_key = raised.stage_key
        inner join analytics_build.int_stage_rule as passed
            on
                raised.pipeline_key = passed.pipeline_key
                and counted.raised_above < passed.furthest_sort
                and raised.furthest_sort >= passed.furthest_sort
        group by passed.stage_key
    ),
    -- money in different currencies is never added up
    money as (
        select
            there.stage_key,
            sum(there.entities) as entities,
            jsonb_object_agg(there.currency_id, there.amount) filter (where there.amount is not null) as amounts
        from (
            select
                selected.stage_key,
                selected.currency_id,
                sum(selected.entities) as entities,
                sum(selected.amount) as amount
            from selected
            group by selected.stage_key, selected.currency_id
        ) as there
        group by there.stage_key
    )
    select
        stage.category_id,
        stage.category_name,
        stage.status_id,
        stage.status_name,
        stage.status_sort,
        coalesce(money.entities, 0)::bigint,
        coalesce(money.amounts, '{}'),
        coalesce(of_pipelines.entered, 0)::bigint,
        coalesce(of_stages.reached, 0)::bigint,
        case
            when rules.furthest_sort is null then coalesce(of_stages.reached, 0)
            else coalesce(implied.reached, 0)
        end::bigint,
        coalesce(of_stages.reached_strict, 0)::bigint,
        coalesce(of_stages.qualified, 0)::bigint
    from analytics_build.int_stage as stage
    inner join analytics_build.int_stage_rule as rules on stage.stage_key = rules.stage_key
    left join of_pipelines on rules.pipeline_key = of_pipelines.pipeline_key
    left join of_stages on stage.stage_key = of_stages.stage_key
    left join implied on stage.stage_key = implied.stage_key
    left join money on stage.stage_key = money.stage_key
    where
        stage.user_account_id = account
        and stage.entity_type = funnel_of.entity_type
        and (funnel_of.pipeline is null or stage.category_id = funnel_of.pipeline)
    order by stage.category_id, stage.status_sort, stage.status_id;
end;
$$;
