-- depends: 0058_funnel_of_by_steps
-- What was won is read by itself, and what was lost is only counted: most that is closed is lost, and was written down
-- before it was counted.

create or replace function analytics.people_of(
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
begin
    if people_of.entity_type not in ('lead', 'deal') then
        raise exception 'entity_type is lead or deal, not %', people_of.entity_type
            using errcode = 'invalid_parameter_value';
    end if;
    if not exists (
        select from pg_attribute as built
        where built.attrelid = to_regclass('analytics_build.int_journey') and built.attname = 'closed_after'
    ) then
        raise exception 'the models are not built yet'
            using errcode = 'undefined_table', hint = 'Run `b24 models`.';
    end if;
    return query
    with standing as (
        select
            nullif(person.assigned_by_id, 0) as assigned_by_id,
            sum(person.entities)::bigint as entities,
            -- money in different currencies is never added up
            jsonb_object_agg(person.currency_id, person.amount) filter (where person.entities_with_amount > 0) as amounts
        from (
            select
                stock.assigned_by_id,
                stock.currency_id,
                sum(stock.entities) as entities,
                sum(stock.entities_with_amount) as entities_with_amount,
                sum(stock.amount) as amount
            from analytics_build.int_open_by_person as stock
            where
                stock.user_account_id = account
                and stock.entity_type = people_of.entity_type
                and (people_of.pipeline is null or stock.category_id = people_of.pipeline)
            group by stock.assigned_by_id, stock.currency_id
        ) as person
        group by person.assigned_by_id
    ),
    won as materialized (
        select
            journey.assigned_by_id,
            journey.currency_id,
            journey.opportunity,
            extract(epoch from journey.closed_after) / 86400 as days
        from analytics_build.int_journey as journey
        where
            journey.user_account_id = account
            and journey.entity_type = people_of.entity_type
            and journey.outcome = 'won'
            and journey.closed_on is not null
            and (people_of.first_day is null or journey.closed_on >= people_of.first_day)
            and (people_of.last_day is null or journey.closed_on <= people_of.last_day)
            and (people_of.pipeline is null or journey.category_id = people_of.pipeline)
    ),
    by_currency as (
        select
            won.assigned_by_id,
            won.currency_id,
            count(*) as entities,
            sum(won.opportunity) as amount
        from won
        group by won.assigned_by_id, won.currency_id
    ),
    counted as (
        select
            by_currency.assigned_by_id,
            sum(by_currency.entities)::bigint as entities,
            jsonb_object_agg(by_currency.currency_id, by_currency.amount) filter (where by_currency.amount is not null)
                as amounts
        from by_currency
        group by by_currency.assigned_by_id
    ),
    waits as (
        select
            won.assigned_by_id,
            percentile_cont(0.5) within group (order by won.days) as median_days
        from won
        group by won.assigned_by_id
    ),
    lost as (
        select
            journey.assigned_by_id,
            count(*) as entities
        from analytics_build.int_journey as journey
        where
            journey.user_account_id = account
            and journey.entity_type = people_of.entity_type
            and journey.outcome = 'lost'
            and journey.closed_on is not null
            and (people_of.first_day is null or journey.closed_on >= people_of.first_day)
            and (people_of.last_day is null or journey.closed_on <= people_of.last_day)
            and (people_of.pipeline is null or journey.category_id = people_of.pipeline)
        group by journey.assigned_by_id
    ),
    people as (
        select standing.assigned_by_id from standing
        union
        select counted.assigned_by_id from counted
        union
        select lost.assigned_by_id from lost
    )
    select
        people.assigned_by_id,
        owner.owner_name,
        owner.department_name,
        coalesce(standing.entities, 0),
        coalesce(standing.amounts, '{}'),
        coalesce(counted.entities, 0),
        coalesce(lost.entities, 0),
        round(
            coalesce(counted.entities, 0)::numeric / nullif(coalesce(counted.entities, 0) + coalesce(lost.entities, 0), 0), 6
        ),
        coalesce(counted.amounts, '{}'),
        round(waits.median_days::numeric, 4)
    from people
    left join standing on people.assigned_by_id is not distinct from standing.assigned_by_id
    left join counted on people.assigned_by_id is not distinct from counted.assigned_by_id
    left join lost on people.assigned_by_id is not distinct from lost.assigned_by_id
    left join waits on people.assigned_by_id is not distinct from waits.assigned_by_id
    left join analytics_build.int_owner as owner
        on owner.user_account_id = account and people.assigned_by_id = owner.owner_id
    order by coalesce(counted.entities, 0) desc, coalesce(standing.entities, 0) desc, people.assigned_by_id;
end;
$$;
