-- depends: 0045_funnel_of
-- What each responsible person has open, and has won and lost in a period.

create function analytics.people_of(
    portal text,
    entity_type text,
    first_day date default null,
    last_day date default null,
    pipeline bigint default null
)
returns table (
    assigned_by_id bigint,
    owner_name text,
    department_name text,
    open bigint,
    open_by_currency jsonb,
    won bigint,
    lost bigint,
    win_rate numeric,
    won_by_currency jsonb,
    median_days_to_win numeric
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
    account uuid := (select id from public.user_accounts where name = people_of.portal);
    zone text := (select known.bitrix24_time_zone from public.user_accounts as known where known.name = people_of.portal);
    after timestamptz := people_of.first_day::timestamp at time zone zone;
    before timestamptz := (people_of.last_day + 1)::timestamp at time zone zone;
begin
    if people_of.entity_type not in ('lead', 'deal') then
        raise exception 'entity_type is lead or deal, not %', people_of.entity_type
            using errcode = 'invalid_parameter_value';
    end if;
    if not exists (
        select from pg_attribute as built
        where built.attrelid = to_regclass('analytics_build.int_journey') and built.attname = 'assigned_by_id'
    ) then
        raise exception 'the models are not built yet'
            using errcode = 'undefined_table', hint = 'Run `b24 models`.';
    end if;
    return query
    with closed as (
        select
            journey.assigned_by_id,
            journey.outcome,
            journey.currency_id,
            journey.opportunity,
            extract(epoch from journey.entered_at[journey.closing_visit] - journey.date_create) / 86400 as days,
            (after is null or journey.entered_at[journey.closing_visit] >= after)
            and (before is null or journey.entered_at[journey.closing_visit] < before) as is_in_period
        from analytics_build.int_journey as journey
        where
            journey.user_account_id = account
            and journey.entity_type = people_of.entity_type
            and journey.is_counted
            and (people_of.pipeline is null or journey.category_id = people_of.pipeline)
    ),
    counted as (
        select
            closed.assigned_by_id,
            count(*) filter (where closed.outcome is null) as open,
            count(*) filter (where closed.outcome = 'won' and closed.is_in_period) as won,
            count(*) filter (where closed.outcome = 'lost' and closed.is_in_period) as lost,
            percentile_cont(0.5) within group (order by closed.days)
                filter (where closed.outcome = 'won' and closed.is_in_period) as median_days
        from closed
        where closed.outcome is null or closed.is_in_period
        group by closed.assigned_by_id
    ),
    -- money in different currencies is never added up
    amounts as (
        select
            by_currency.assigned_by_id,
            jsonb_object_agg(by_currency.currency_id, by_currency.open)
                filter (where by_currency.open is not null) as open,
            jsonb_object_agg(by_currency.currency_id, by_currency.won)
                filter (where by_currency.won is not null) as won
        from (
            select
                closed.assigned_by_id,
                closed.currency_id,
                sum(closed.opportunity) filter (where closed.outcome is null) as open,
                sum(closed.opportunity) filter (where closed.outcome = 'won' and closed.is_in_period) as won
            from closed
            group by closed.assigned_by_id, closed.currency_id
        ) as by_currency
        group by by_currency.assigned_by_id
    )
    select
        counted.assigned_by_id,
        owner.owner_name,
        owner.department_name,
        counted.open,
        coalesce(amounts.open, '{}'),
        counted.won,
        counted.lost,
        round(counted.won::numeric / nullif(counted.won + counted.lost, 0), 6),
        coalesce(amounts.won, '{}'),
        round(counted.median_days::numeric, 4)
    from counted
    left join amounts on counted.assigned_by_id is not distinct from amounts.assigned_by_id
    left join analytics_build.int_owner as owner
        on owner.user_account_id = account and counted.assigned_by_id = owner.owner_id
    order by counted.won desc, counted.open desc, counted.assigned_by_id;
end;
$$;
comment on function analytics.people_of is 'What the responsible persons of now have, one row a person: open leads or deals of now and what they are worth, those that were won and lost from first_day to last_day (days in the portal''s time zone by closing, both included; null: no bound) and are so still, their win rate (won of both, from 0 to 1), what the won ones are worth by currency (XXX: without one), and the median days (of 24 hours) from creation to winning. pipeline: of one pipeline, its category_id. Amounts are those of now. The portal does not tell who was responsible earlier. A portal that is not known has no rows, and no error.';
