-- depends: 0016_qualification_by_contact
-- The funnel as it stood at a moment. The models are swapped when their columns change, so the function binds
-- their names when it is called (plpgsql does), and is not in the way of that.

create function analytics.funnel_as_of(portal text, entity_type text, ts timestamptz)
returns table (
    category_id bigint,
    category_name text,
    status_id text,
    status_name text,
    status_sort bigint,
    in_stage bigint,
    reached bigint
)
language plpgsql stable as $$
#variable_conflict use_column
begin
    if funnel_as_of.entity_type not in ('lead', 'deal') then
        raise exception 'entity_type is lead or deal, not %', funnel_as_of.entity_type
            using errcode = 'invalid_parameter_value';
    end if;
    if to_regclass('analytics.fct_stage_interval') is null or to_regclass('analytics.dim_stage') is null then
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
    )
    select
        stage.category_id,
        stage.category_name,
        stage.status_id,
        stage.status_name,
        stage.status_sort,
        coalesce(visits.in_stage, 0),
        coalesce(visits.reached, 0)
    from analytics.dim_stage as stage
    left join visits
        on stage.category_id = visits.category_id and stage.status_id = visits.status_id
    where stage.portal = funnel_as_of.portal and stage.entity_type = funnel_as_of.entity_type
    order by stage.category_id, stage.status_sort, stage.status_id;
end;
$$;
comment on function analytics.funnel_as_of is 'The funnel of a portal''s leads or deals as it stood at a moment, one row a stage of dim_stage: in_stage are those who were in it then, reached those who had been in it by then. By the visits of fct_stage_interval, so over entities alive now: whoever was deleted since is not in it, other than in funnel_daily. A portal that is not known has no rows.';
