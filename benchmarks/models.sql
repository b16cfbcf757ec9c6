-- name: connect_portal()!
insert into user_accounts (name, bitrix24_domain, bitrix24_time_zone)
values ('bench', 'bench.example', 'Europe/Moscow');

-- name: define_stage()#
-- Deal d is in pipeline d % 4, goes on a stage or two at each move m, and stands where the last one led.
create function pg_temp.stage_after(d bigint, m integer) returns text
language sql immutable as $$
    select 'C' || d % 4 || ':S' || least(7, m * (1 + d % 3) / 2 + (hashint8(d * 7 + m) & 1) + 1)
$$;

-- name: add_stages()!
-- Four pipelines of eight stages, the last two being success and failure.
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
    case s when 6 then 'success' when 7 then 'failure' else 'process' end, s = 3, s = 6, s = 7
from user_accounts, generate_series(0, 3) as c, generate_series(0, 7) as s;

-- name: add_deals(deals, moves)!
-- What we have was stored in the course of a month.
insert into bitrix24_deals (
    user_account_id, id, title, category_id, stage_id, stage_semantic_id, opportunity, currency_id, date_create,
    date_modify, moved_time, source_id, assigned_by_id, utm_campaign, utm_content, closed, loaded_at
)
select
    id, d, 'Deal ' || d, d %% 4, pg_temp.stage_after(d, :moves - 1), 'P', d %% 5000,
    (array['RUB', 'RUB', 'EUR'])[1 + d %% 3], now() - interval '2 years' + d * interval '2 minutes',
    now() - interval '1 day', now() - interval '2 years' + d * interval '2 minutes' + (:moves * 3 - 3) * interval '1 day',
    'WEB', 1 + d %% 20, 'campaign ' || d %% 50, 'content ' || d %% 200, false,
    now() - interval '30 days' * (:deals - d) / :deals - interval '1 hour'
from user_accounts, generate_series(1::bigint, :deals) as d;

-- name: add_moves(deals, moves)!
insert into bitrix24_status_history (
    user_account_id, entity_type, history_id, bitrix24_deal_id, to_status_id, to_category_id, changed_at, source,
    loaded_at
)
select
    id, 'deal', d * 10 + m, d, pg_temp.stage_after(d, m), d %% 4,
    now() - interval '2 years' + d * interval '2 minutes' + m * 3 * interval '1 day', 'history',
    now() - interval '30 days' * (:deals - d) / :deals - interval '1 hour'
from user_accounts, generate_series(1::bigint, :deals) as d, generate_series(0, :moves - 1) as m;

-- name: add_directions()!
-- Four directions with three key stages each, and ten creatives of each.
with directions as (
    insert into account_directions (user_account_id, name, bitrix24_entity_type, key_stages)
    select
        id, 'Direction ' || n, 'deal',
        (
            select jsonb_agg(jsonb_build_object('category_id', n, 'status_id', 'C' || n || ':S' || s))
            from unnest(array[2, 4, 6]) as s
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

-- name: change(round, deals)!
-- So many deals are won just now.
with changed as (
    update bitrix24_deals
    set
        stage_id = 'C' || category_id || ':S6', moved_time = now(), date_modify = now(),
        loaded_at = clock_timestamp()
    where id %% 500 = 10 + :round and id <= 500 * :deals
    returning user_account_id, id, category_id, stage_id
)
insert into bitrix24_status_history (
    user_account_id, entity_type, history_id, bitrix24_deal_id, to_status_id, to_category_id, changed_at, source,
    loaded_at
)
select
    user_account_id, 'deal', 100000000 + id * 10 + :round, id, stage_id, category_id, now(), 'history',
    clock_timestamp()
from changed;
