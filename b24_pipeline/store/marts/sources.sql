-- name: states_of_the_copy()
-- How each table that the models read stands: its last stamp, and of the rows with a stamp not far from it the
-- number and how far they are. A transaction that stamped a row before another one did, and ended after it, is noticed
-- by these: the row comes among them, or it was one of them and comes nearer. Rows of three tables may be deleted, so
-- all of theirs are counted. Small tables without a stamp are summed up as a whole. A last stamp that is ahead of the
-- clock means that the clock was put back: then rows may change far before it, and the state says `ahead`.
select
    'public.bitrix24_leads' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_leads) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_leads
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.bitrix24_deals' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_deals) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_deals
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.bitrix24_contacts' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_contacts) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_contacts
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.bitrix24_companies' as relation,
    concat_ws(' ', last.stamp, (
        select count(*) from bitrix24_companies where loaded_at >= last.stamp - interval '15 minutes'
    )) as state
from (select max(loaded_at) as stamp from bitrix24_companies) as last
union all
select
    'public.bitrix24_contact_links' as relation,
    concat_ws(' ', last.stamp, (
        select count(*) from bitrix24_contact_links where loaded_at >= last.stamp - interval '15 minutes'
    )) as state
from (select max(loaded_at) as stamp from bitrix24_contact_links) as last
union all
select
    'public.bitrix24_status_history' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_status_history) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_status_history
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.bitrix24_pipelines' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_pipelines) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_pipelines
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.bitrix24_pipeline_stages' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_pipeline_stages) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_pipeline_stages
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.bitrix24_statuses' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_statuses) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_statuses
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.bitrix24_users' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_users) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_users
    where loaded_at >= last.stamp - interval '15 minutes'
) as near;

-- name: states_beside_the_copy()
-- Like `states_of_the_copy`, but of the tables that are not read from portals.
select
    'public.bitrix24_qualification' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        (select count(*) from bitrix24_qualification),
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from bitrix24_qualification) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from bitrix24_qualification
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.leads' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        (select count(*) from leads),
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(loaded_at) as stamp from leads) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from loaded_at - last.stamp)) as seconds
    from leads
    where loaded_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.lead_matches' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        (select count(*) from lead_matches),
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(updated_at) as stamp from lead_matches) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from updated_at - last.stamp)) as seconds
    from lead_matches
    where updated_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.reconciliation' as relation,
    concat_ws(
        ' ', last.stamp, near.rows, near.seconds,
        case when last.stamp > clock_timestamp() then 'ahead' end
    ) as state
from (select max(checked_at) as stamp from reconciliation) as last
cross join lateral (
    select
        count(*) as rows,
        sum(extract(epoch from checked_at - last.stamp)) as seconds
    from reconciliation
    where checked_at >= last.stamp - interval '15 minutes'
) as near
union all
select
    'public.user_accounts' as relation,
    md5(string_agg(concat_ws(' ', id, name, bitrix24_time_zone), ',' order by id)) as state
from user_accounts
union all
select
    'public.creatives' as relation,
    md5(string_agg(cast(creatives as text), ',' order by id)) as state
from creatives
union all
select
    'public.account_directions' as relation,
    md5(string_agg(cast(account_directions as text), ',' order by id)) as state
from account_directions;

-- name: built(schema)
-- As of which state of each table the models of a schema were built, and from which models.
select
    relation,
    state,
    models
from bitrix24_model_sources
where schema_name = :schema;

-- name: note(schema, relations, states, models)!
-- All models above these tables were built as of these states.
insert into bitrix24_model_sources (schema_name, relation, state, models)
select
    :schema,
    source.relation,
    source.state,
    :models
from unnest(cast(:relations as text[]), cast(:states as text[])) as source (relation, state)
on conflict (schema_name, relation) do update
set state = excluded.state, models = excluded.models, built_at = clock_timestamp();
