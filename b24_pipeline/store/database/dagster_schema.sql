-- name: is_set_up()$
-- Dagster makes its tables in a schema of their own.
select to_regclass('dagster.event_logs') is not null;

-- name: has_schema()$
-- Whether the schema is there; who may not create one can still use it.
select to_regnamespace('dagster') is not null;

-- name: create_schema()#
-- Where Dagster's tables will be.
create schema if not exists dagster;

-- name: may_see(relation)$
-- Whether there is this table of Dagster and this role may read it; another role's Dagster is not its business.
select count(*) > 0
from pg_class
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where
    pg_namespace.nspname = 'dagster' and pg_class.relname = :relation
    and has_schema_privilege(pg_namespace.oid, 'usage') and has_table_privilege(pg_class.oid, 'select');

-- name: daemon_seconds()$
-- Dagster stores moments of UTC without a zone. No row where no daemon has ever reported.
select greatest(extract(epoch from now() at time zone 'UTC' - max(daemon_heartbeats.timestamp)), 0)::double precision
from dagster.daemon_heartbeats
having count(*) > 0;

-- name: switched_off()
-- Schedules and sensors that a person has stopped. A code location of another name has states of its own: the newest of
-- each name counts.
with newest as (
    select distinct on (known.name)
        known.name,
        known.status
    from (
        select
            instigator_body::jsonb -> 'origin' ->> 'job_name' as name,
            status,
            update_timestamp,
            id
        from dagster.instigators
    ) as known
    order by known.name asc, known.update_timestamp desc, known.id desc
)

select newest.name
from newest
where newest.status = 'STOPPED' and newest.name is not null
order by newest.name;

-- name: failing_jobs(least, seconds)
-- Jobs whose last runs have failed, so many in a row or more, all of them within these seconds; a run that was cancelled is
-- left out. Dagster stores the end as seconds since 1970, where it has seen one, and moments of UTC without a zone.
with ended as (
    select
        run.pipeline_name as job,
        run.status = 'FAILURE' as has_failed,
        coalesce(to_timestamp(run.end_time), run.update_timestamp at time zone 'UTC') as ended_at
    from dagster.runs as run
    where
        run.status in ('SUCCESS', 'FAILURE')
        and run.update_timestamp > now() at time zone 'UTC' - make_interval(secs => :seconds)
)

select
    ended.job,
    count(*) as runs,
    greatest(extract(epoch from now() - max(ended.ended_at)), 0)::double precision as seconds
from ended
where
    ended.has_failed
    and not exists (
        select 1
        from ended as later
        where later.job = ended.job and not later.has_failed and later.ended_at > ended.ended_at
    )
group by ended.job
having count(*) >= :least
order by ended.job;

-- name: delete_check_results(before)!
-- Results of checks whose run was deleted: Dagster deletes a run without them. The last result of each check stays.
delete from dagster.asset_check_executions as result
where
    result.evaluation_event_timestamp < :before
    and not exists (select 1 from dagster.runs as run where run.run_id = result.run_id)
    and exists (
        select 1
        from dagster.asset_check_executions as later
        where
            later.asset_key = result.asset_key
            and later.check_name = result.check_name
            and later.partition is not distinct from result.partition
            and later.id > result.id
    );

-- name: delete_runless_events(before)$
-- Events that belong to no run, as commands report them, with their tags. The last of its kind stays for each asset and
-- partition, and the results of checks that are still there. How many they were.
with deleted as (
    delete from dagster.event_logs as event
    where
        event.run_id = ''
        and event.timestamp < :before
        and case
            when event.asset_key is null
                then event.id not in (
                    select result.evaluation_event_storage_id
                    from dagster.asset_check_executions as result
                    where result.evaluation_event_storage_id is not null
                )
            else exists (
                select 1
                from dagster.event_logs as later
                where
                    later.asset_key = event.asset_key
                    and later.dagster_event_type = event.dagster_event_type
                    and later.partition is not distinct from event.partition
                    and later.id > event.id
            )
        end
    returning event.id
),

tags as (
    delete from dagster.asset_event_tags
    where event_id in (select deleted.id from deleted)
)

select count(*) from deleted;
