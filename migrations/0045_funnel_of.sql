-- depends: 0041_sessions
-- The funnel of those among a portal's leads or deals that one asks for: by day of creation, source, responsible person,
-- campaign and qualification, now or as it stood at a moment.

create function analytics.funnel_of(
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
        where built.attrelid = to_regclass('analytics_build.int_journey') and built.attname = 'journey_key'
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
            journey.currency_id,
            count(*) as entities,
            count(*) filter (where journey.is_qualified) as qualified,
            sum(journey.opportunity) as amount,
            min(journey.entity_id) as example
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
        group by journey.journey_key, journey.seen, journey.currency_id
    ),
    ways as materialized (
        select
            way.way_number,
            way.journey_key,
            way.seen,
            way.entities,
            way.qualified,
            journey.stage_keys[1:way.seen] as stage_keys,
            journey.pipeline_keys[1:way.seen] as pipeline_keys,
            journey.furthest_sorts[1:way.seen] as furthest_sorts,
            journey.strict_visits
        from (
            select
                row_number() over () as way_number,
                selected.journey_key,
                selected.seen,
                sum(selected.entities) as entities,
                sum(selected.qualified) as qualified,
                min(selected.example) as example
            from selected
            group by selected.journey_key, selected.seen
        ) as way
        inner join analytics_build.int_journey as journey
            on
                journey.user_account_id = account
                and journey.entity_type = funnel_of.entity_type
                and journey.entity_id = way.example
        where wanted is null or wanted = any(journey.pipeline_keys[1:way.seen])
    ),
    -- of each visit: which one it is of its stage and of its pipeline, and how far they had come before
    placed as (
        select
            ways.entities,
            ways.qualified,
            visit.stage_key,
            visit.furthest_sort,
            visit.number = any(ways.strict_visits) as is_strict,
            row_number() over (partition by ways.way_number, visit.stage_key order by visit.number) as of_stage,
            row_number() over (partition by ways.way_number, visit.pipeline_key order by visit.number) as of_pipeline,
            count(*) filter (where visit.number = any(ways.strict_visits)) over (
                partition by ways.way_number, visit.stage_key order by visit.number
            ) as strict_of_stage,
            coalesce(
                max(visit.furthest_sort) over (
                    partition by ways.way_number, visit.pipeline_key
                    order by visit.number
                    rows between unbounded preceding and 1 preceding
                ),
                -9223372036854775808
            ) as sort_before
        from ways
        cross join lateral unnest(
            ways.stage_keys, ways.pipeline_keys, ways.furthest_sorts
        ) with ordinality as visit (stage_key, pipeline_key, furthest_sort, number)
        where wanted is null or visit.pipeline_key = wanted
    ),
    counted as (
        select
            placed.stage_key,
            -- a visit that leads no further than those before it raises nothing
            case when placed.furthest_sort > placed.sort_before then placed.sort_before else 9223372036854775807 end
                as raised_above,
            sum(placed.entities) filter (where placed.of_pipeline = 1) as entered,
            sum(placed.entities) filter (where placed.of_stage = 1) as reached,
            sum(placed.entities) filter (where placed.is_strict and placed.strict_of_stage = 1) as reached_strict,
            sum(placed.qualified) filter (where placed.of_stage = 1) as qualified
        from placed
        where placed.of_stage = 1 or placed.is_strict
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
                ways.stage_keys[ways.seen] as stage_key,
                selected.currency_id,
                sum(selected.entities) as entities,
                sum(selected.amount) as amount
            from selected
            inner join ways on selected.journey_key = ways.journey_key and selected.seen = ways.seen
            group by 1, 2
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
comment on function analytics.funnel_of is 'The funnel of those among a portal''s leads or deals that are asked for, one row a stage of dim_stage: created from first_day to last_day (days in the portal''s time zone, both included), of one source (dim_source.source_id), one responsible person of now (dim_user.user_id), one utm_campaign, qualified or not, of one pipeline (its category_id); null leaves a filter out. in_stage, entered, reached, reached_implied and qualified are as in funnel_stats, reached_strict as strict in funnel_cohort; amounts_by_currency are those of who is in the stage. With ts they are as of that moment, by the visits of who is alive now; what they are worth and whether they are qualified is of now. A portal that is not known has no rows, and no error.';
