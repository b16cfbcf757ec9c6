-- depends: 0034_departments_and_currencies
-- The funnel as it stood at a moment says what those in each stage are worth. The portal keeps no earlier amounts, so these
-- are the amounts of now of those who were there then; the comment says so.

do $$
begin
    drop function analytics.funnel_as_of (text, text, timestamptz);
exception
    when dependent_objects_still_exist then
        -- somebody's view reads it: it goes on with the function that it was made for
        alter function analytics.funnel_as_of (text, text, timestamptz) rename to funnel_as_of_without_amounts;
end $$;

create function analytics.funnel_as_of(portal text, entity_type text, ts timestamptz)
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
            deal.opportunity_in_base,
            deal.base_currency_id
        from analytics.fct_deal as deal
        where deal.portal = funnel_as_of.portal and deal.entity_type = funnel_as_of.entity_type
        union all
        select
            lead.entity_id,
            lead.opportunity,
            lead.currency_id,
            lead.opportunity_in_base,
            lead.base_currency_id
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
            bool_or(fact.opportunity is not null and fact.opportunity_in_base is null) as lacks_rate,
            min(fact.base_currency_id) as base_currency_id
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
            case when not bool_or(amounts.lacks_rate) then sum(amounts.in_base) end as in_base,
            min(amounts.base_currency_id) as base_currency_id
        from amounts
        group by amounts.category_id, amounts.status_id
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
        money.in_base,
        money.base_currency_id
    from analytics.dim_stage as stage
    left join visits
        on stage.category_id = visits.category_id and stage.status_id = visits.status_id
    left join money
        on stage.category_id = money.category_id and stage.status_id = money.status_id
    where stage.portal = funnel_as_of.portal and stage.entity_type = funnel_as_of.entity_type
    order by stage.category_id, stage.status_sort, stage.status_id;
end;
$$;
comment on function analytics.funnel_as_of is 'The funnel of a portal''s leads or deals as it stood at a moment, one row a stage of dim_stage: in_stage are those who were in it then, reached those who had been in it by then. By the visits of fct_stage_interval, so over entities alive now: whoever was deleted since is not in it, other than in funnel_daily. Amounts are those of now of those who were there then, because the portal keeps no earlier ones: amounts_by_currency, the sum if all are in one currency (amount_in_stage in currency_id, null if they are in several), and the sum in the currency of the account by the rates of now (amount_in_base in base_currency_id, null where a rate is not known). A portal that is not known has no rows.';

do $do$
begin
    if to_regprocedure('analytics.funnel_as_of_without_amounts(text, text, timestamptz)') is not null then
        create or replace function analytics.funnel_as_of_without_amounts(
            portal text, entity_type text, ts timestamptz
        )
        returns table (
            category_id bigint,
            category_name text,
            status_id text,
            status_name text,
            status_sort bigint,
            in_stage bigint,
            reached bigint
        )
        language sql stable as $$
            select category_id, category_name, status_id, status_name, status_sort, in_stage, reached
            from analytics.funnel_as_of($1, $2, $3)
        $$;
        comment on function analytics.funnel_as_of_without_amounts is 'What funnel_as_of was before it had amounts, for views that were made upon it.';
    end if;
end $do$;
