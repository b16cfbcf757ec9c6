-- depends: 0040_funnel_as_of_says_which_midnight
-- A stage in which nobody is, or nobody has an amount, is worth 0 in the currency of the account; null says that a rate is not
-- known, and nothing else. The currency is the portal's, whoever is in the stage.

create or replace function analytics.funnel_as_of(portal text, entity_type text, ts timestamptz)
returns table (
    category_id bigint,
    category_name text,
    status_id text,
    status_name text,
    status_sort bigint,
    in_stage bigint,
    reached bigint,
    amount_in_stage numeric,
    currency_id text,
    amounts_by_currency jsonb,
    amount_in_base numeric,
    base_currency_id text
)
language plpgsql stable as $$
#variable_conflict use_column
begin
    if funnel_as_of.entity_type not in ('lead', 'deal') then
        raise exception 'entity_type is lead or deal, not %', funnel_as_of.entity_type
            using errcode = 'invalid_parameter_value';
    end if;
    if
        to_regclass('analytics.fct_stage_interval') is null
        or to_regclass('analytics.dim_stage') is null
        or to_regclass('analytics.dim_currency') is null
        or not exists (
            select from pg_attribute as built
            where built.attrelid = to_regclass('analytics.fct_deal') and built.attname = 'opportunity_in_base'
        )
    then
        raise exception 'the models are not built yet'
            using errcode = 'undefined_table', hint = 'Run `b24 models`.';
    end if;
    return query
    with visits as (
        select
            visit.category_id,
            visit.status_id,
            count(*) filter (where visit.exited_at is null or visit.exited_at > funnel_as_of.ts) as in_stage,
            count(distinct visit.entity_id) as reached
        from analytics.fct_stage_interval as visit
        where
            visit.portal = funnel_as_of.portal
            and visit.entity_type = funnel_as_of.entity_type
            and visit.entered_at <= funnel_as_of.ts
        group by visit.category_id, visit.status_id
    ),
    fact as (
        select
            deal.entity_id,
            deal.opportunity,
            deal.currency_id,
            deal.opportunity_in_base
        from analytics.fct_deal as deal
        where deal.portal = funnel_as_of.portal and deal.entity_type = funnel_as_of.entity_type
        union all
        select
            lead.entity_id,
            lead.opportunity,
            lead.currency_id,
            lead.opportunity_in_base
        from analytics.fct_lead as lead
        where lead.portal = funnel_as_of.portal and lead.entity_type = funnel_as_of.entity_type
    ),
    -- money in different currencies is never added up
    amounts as (
        select
            visit.category_id,
            visit.status_id,
            coalesce(fact.currency_id, 'XXX') as currency_id,
            sum(fact.opportunity) as amount,
            sum(fact.opportunity_in_base) as in_base,
            -- without the rate of each there is no sum of all
            bool_or(fact.opportunity is not null and fact.opportunity_in_base is null) as lacks_rate
        from analytics.fct_stage_interval as visit
        inner join fact on visit.entity_id = fact.entity_id
        where
            visit.portal = funnel_as_of.portal
            and visit.entity_type = funnel_as_of.entity_type
            and visit.entered_at <= funnel_as_of.ts
            and (visit.exited_at is null or visit.exited_at > funnel_as_of.ts)
        group by visit.category_id, visit.status_id, fact.currency_id
    ),
    money as (
        select
            amounts.category_id,
            amounts.status_id,
            count(*) filter (where amounts.amount is not null) as currencies,
            max(amounts.currency_id) filter (where amounts.amount is not null) as currency_id,
            sum(amounts.amount) as amount,
            jsonb_object_agg(amounts.currency_id, amounts.amount)
                filter (where amounts.amount is not null) as by_currency,
            sum(amounts.in_base) as in_base,
            bool_or(amounts.lacks_rate) as lacks_rate
        from amounts
        group by amounts.category_id, amounts.status_id
    ),
    base as (
        select min(currency.base_currency_id) as currency_id
        from analytics.dim_currency as currency
        where currency.portal = funnel_as_of.portal
    )
    select
        stage.category_id,
        stage.category_name,
        stage.status_id,
        stage.status_name,
        stage.status_sort,
        coalesce(visits.in_stage, 0),
        coalesce(visits.reached, 0),
        case when money.currencies > 1 then null else coalesce(money.amount, 0) end,
        case when money.currencies = 1 then nullif(money.currency_id, 'XXX') end,
        coalesce(money.by_currency, '{}'),
        case when not coalesce(money.lacks_rate, false) then coalesce(money.in_base, 0) end,
        base.currency_id
    from analytics.dim_stage as stage
    cross join base
    left join visits
        on stage.category_id = visits.category_id and stage.status_id = visits.status_id
    left join money
        on stage.category_id = money.category_id and stage.status_id = money.status_id
    where stage.portal = funnel_as_of.portal and stage.entity_type = funnel_as_of.entity_type
    order by stage.category_id, stage.status_sort, stage.status_id;
end;
$$;
comment on function analytics.funnel_as_of is 'The funnel of a portal''s leads or deals as it stood at a moment, one row a stage of dim_stage: in_stage are those who were in it then, reached those who had been in it by then. By the visits of fct_stage_interval, so over entities alive now: whoever was deleted since is not in it, other than in funnel_daily. Amounts are those of now of those who were there then, because the portal keeps no earlier ones: amounts_by_currency, the sum if all are in one currency (amount_in_stage in currency_id, null if they are in several), and the sum in the currency of the account by the rates of now (amount_in_base in base_currency_id, 0 where there is nothing to sum up, null where a rate is not known). The moment ts is a time with a zone: a day such as ''2026-10-15'' is midnight of the session''s time zone, UTC where nothing else is set; the portal''s midnight is timestamp ''2026-10-15'' at time zone its time_zone in dim_portal. A portal that is not known has no rows, and no error.';
