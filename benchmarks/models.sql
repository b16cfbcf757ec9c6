-- name: connect_portal()!
insert into user_accounts (name, bitrix24_domain, bitrix24_time_zone)
values ('bench', 'bench.example', 'Europe/Moscow');

-- name: define_chance()#
-- The same numbers each time, evenly between 0 and 1, and normally around 0.
create function pg_temp.chance(d bigint, what bigint) returns float8
language sql immutable as $$
    select ((hashint8extended(d, what) & 1048575) + 0.5) / 1048576.0
$$;
create function pg_temp.normal(d bigint, what bigint) returns float8
language sql immutable as $$
    select sqrt(-2 * ln(pg_temp.chance(d, what))) * cos(2 * pi() * pg_temp.chance(d, what + 500))
$$;

-- name: add_stages()!
-- Four pipelines of ten stages, the last two being success and failure.
with pipelines as (
    insert into bitrix24_pipelines (user_account_id, entity_type, category_id, name, sort, is_default)
    select id, 'deal', c, 'Pipeline ' || c, c * 10, c = 0
    from user_accounts, generate_series(0, 3) as c
)
insert into bitrix24_pipeline_stages (
    user_account_id, entity_type, category_id, category_name, status_id, status_name, status_sort,
    status_semantics, is_qualified_stage, is_success_stage, is_fail_stage
)
select
    id, 'deal', c, 'Pipeline ' || c, 'C' || c || ':S' || s, 'Stage ' || s, s * 10,
    case s when 9 then 'success' when 10 then 'failure' else 'process' end, s = 4, s = 9, s = 10
from user_accounts, generate_series(0, 3) as c, generate_series(1, 10) as s;

-- name: walk(deals)!
-- What happened to each deal, step by step. Most are in the first pipeline, and most were created lately, on working days
-- and in working hours. Each step leads one stage on (60%%), skips one (12%%), goes back (8%%) or ends as lost (20%%); a
-- closed deal is seldom opened again (3%%); an open one rests where it is with 15%%. A stay is log-normal, two days in the
-- middle and a tenth of them longer than three weeks.
create temporary table walk as
with recursive created as (
    select
        d,
        (floor(4 * power(pg_temp.chance(d, 1), 2.5)))::bigint as category_id,
        -- a portal numbers its deals as they come, more each day
        date_trunc('day', now()) - interval '1 day' * floor(900 * (1 - sqrt((d - 0.5) / :deals))) as day
    from generate_series(1::bigint, :deals) as d
),

steps as (
    select
        d,
        0 as m,
        category_id,
        1 as stage,
        day - interval '1 day' * case
            when pg_temp.chance(d, 3) < 0.15 then 0 else greatest(extract(isodow from day) - 5, 0)
        end + interval '1 second' * (36000 + 14000 * pg_temp.normal(d, 4)) as at
    from created

    union all

    select
        d,
        m + 1,
        category_id,
        case
            when stage >= 9 then 2 + (pg_temp.chance(d, 70 + m) * 5)::integer
            when pg_temp.chance(d, 40 + m) < 0.60 then stage + 1
            when pg_temp.chance(d, 40 + m) < 0.72 then least(stage + 2, 9)
            when pg_temp.chance(d, 40 + m) < 0.80 then greatest(stage - 1 - (m & 1), 1)
            else 10
        end,
        at + interval '1 second' * exp(12.06 + 1.85 * pg_temp.normal(d, 100 + m))
    from steps
    where
        m < 25
        and pg_temp.chance(d, 10 + m) < case when stage >= 9 then 0.03 else 0.85 end
)

select
    *,
    m = max(m) over (partition by d) as is_last
from steps
where at < now();

-- name: add_deals(moment)!
-- Amounts are log-normal, a tenth of the deals has none; of campaigns and contents few bring most.
insert into bitrix24_deals (
    user_account_id, id, title, category_id, stage_id, stage_semantic_id, opportunity, currency_id, date_create,
    date_modify, moved_time, source_id, assigned_by_id, utm_campaign, utm_content, closed, loaded_at
)
select
    user_accounts.id, d, 'Deal ' || d, category_id, 'C' || category_id || ':S' || stage,
    case stage when 9 then 'S' when 10 then 'F' else 'P' end,
    case
        when pg_temp.chance(d, 200) > 0.1
            then round(cast(exp(10 + 1.2 * pg_temp.normal(d, 201)) as numeric), 2)
    end,
    (array['RUB', 'RUB', 'RUB', 'RUB', 'RUB', 'RUB', 'RUB', 'KZT', 'EUR', null])[1 + floor(10 * pg_temp.chance(d, 202))],
    first_at, at, at, 'S' || floor(20 * power(pg_temp.chance(d, 203), 3)), 1 + floor(40 * pg_temp.chance(d, 204)),
    case when pg_temp.chance(d, 205) < 0.5 then 'campaign ' || floor(300 * power(pg_temp.chance(d, 206), 4)) end,
    case when pg_temp.chance(d, 205) < 0.4 then 'content ' || floor(5000 * power(pg_temp.chance(d, 207), 4)) end,
    stage >= 9, cast(:moment as timestamptz)
from user_accounts
cross join (
    select
        *,
        min(at) over (partition by d) as first_at
    from walk
) as walk
where is_last;

-- name: add_moves(moment)!
insert into bitrix24_status_history (
    user_account_id, entity_type, history_id, bitrix24_deal_id, to_status_id, to_category_id, changed_at, source,
    is_linked, loaded_at
)
select
    user_accounts.id, 'deal', row_number() over (order by at, d), d, 'C' || category_id || ':S' || stage, category_id,
    at, 'history', true, cast(:moment as timestamptz)
from user_accounts cross join walk;

-- name: add_directions()!
-- Four directions with three key stages each, and ten creatives of each.
with directions as (
    insert into account_directions (user_account_id, name, bitrix24_entity_type, key_stages)
    select
        id, 'Direction ' || n, 'deal',
        (
            select jsonb_agg(jsonb_build_object('category_id', n, 'status_id', 'C' || n || ':S' || s))
            from unnest(array[2, 4, 9]) as s
        )
    from user_accounts, generate_series(0, 3) as n
    returning user_account_id, id, name
)
insert into creatives (user_account_id, direction_id, name)
select user_account_id, id, name || ', creative ' || n
from directions, generate_series(1, 10) as n;

-- name: add_own_leads(own_leads, deals)!
-- Each has become a deal, some the same.
with numbered as (
    select creatives.*, row_number() over (order by name) - 1 as number
    from creatives
)
insert into leads (user_account_id, creative_id, direction_id, created_at, bitrix24_deal_id, is_qualified)
select
    user_account_id, id, direction_id, now() - interval '1 year' + n * interval '5 minutes',
    1 + n * 7 %% :deals, n %% 10 = 0
from generate_series(1::bigint, :own_leads) as n
inner join numbered on n %% 40 = numbered.number;

-- name: count()^
-- Deals, moves, and the different ways among those that more than one step was gone.
select
    count(*) as deals,
    sum(cardinality(way)) as moves,
    count(distinct (category_id, way)) as ways
from (
    select
        category_id,
        array_agg(stage order by m) as way
    from walk
    group by d, category_id
) as ways;

-- name: change(round, deals)!
-- So many deals of all, spread evenly, come into some stage just now.
with numbers as (
    select max(id) as highest from bitrix24_deals
),

chosen as (
    select distinct 1 + (n * highest / :deals + :round * 37) %% highest as id
    from numbers, generate_series(0::bigint, :deals - 1) as n
),

changed as (
    update bitrix24_deals as deal
    set
        stage_id = 'C' || category_id || ':S' || 1 + (hashint8extended(deal.id, :round) & 7),
        opportunity = coalesce(opportunity, 0) + 1, moved_time = clock_timestamp(), date_modify = clock_timestamp(),
        loaded_at = clock_timestamp()
    from chosen
    where deal.id = chosen.id
    returning deal.user_account_id, deal.id, deal.category_id, deal.stage_id
)

insert into bitrix24_status_history (
    user_account_id, entity_type, history_id, bitrix24_deal_id, to_status_id, to_category_id, changed_at, source,
    is_linked, loaded_at
)
select
    user_account_id, 'deal', 1000000000 + cast(:round as bigint) * 10000000 + row_number() over (order by id), id, stage_id,
    category_id, clock_timestamp(), 'history', true, clock_timestamp()
from changed;
