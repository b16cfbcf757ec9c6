-- Roles with the least rights that the work of each needs. See docs/databases.md.
--
-- Run by whoever administers the server, in the database that was made for b24-pipeline: before the first `b24 migrate`,
-- and again after each, since later tables are given by name. Twice is harmless.
--
--   psql -v owner=b24_owner -v loader=b24_loader -v service=b24_service -f deploy/roles.sql "postgresql://admin@db/b24"
--
-- owner    `b24 migrate`: owns the database and all tables of the schema public
-- loader   `b24 sync`, `b24 models`, Dagster and all else that reads portals: writes rows, owns the marts and Dagster's tables
-- service  `b24 serve`: reads, takes events, and writes what people set on the pages
-- readers  analysts and BI: `b24 analysts grant`, as the loader
--
-- The roles get no passwords here: \password b24_owner asks for one and sends its digest alone.

\set ON_ERROR_STOP on
-- What went wrong is told, and nothing else.
\set QUIET on
\if :{?owner}
\else
\set owner b24_owner
\endif
\if :{?loader}
\else
\set loader b24_loader
\endif
\if :{?service}
\else
\set service b24_service
\endif

set client_min_messages = warning;
select current_database() as database \gset

-- What there is already stays as it is.
select format('create role %I login', wanted.name)
from (values (:'owner'), (:'loader'), (:'service')) as wanted (name)
where not exists (select from pg_roles where rolname = wanted.name)
\gexec

-- A migration may change a mart, and functions of the marts read them as their owner.
grant :"loader" to :"owner";
-- An administrator who is no superuser may give away only what is theirs as well.
select format('grant %I to current_user', wanted.name)
from (values (:'owner'), (:'loader')) as wanted (name)
where not pg_has_role(current_user, wanted.name, 'usage')
\gexec

begin;

alter database :"database" owner to :"owner";
-- Nobody fills the disk with tables of a session, which is a right of everybody at first. Readers come in by that of connecting.
revoke temporary on database :"database" from public;
grant connect, temporary on database :"database" to :"loader", :"service";
-- The schema of a portal's custom fields, and that of Dagster's tables, are made when they are needed.
grant create on database :"database" to :"loader";

-- Builds replace tables and views, which their owner alone may do.
create schema if not exists analytics authorization :"loader";
create schema if not exists analytics_build authorization :"loader";
select format('alter schema %I owner to %I', nspname, :'loader')
from pg_namespace
where
    (nspname in ('analytics', 'analytics_build', 'own_models', 'dagster') or nspname like 'analytics\_%')
    and pg_get_userbyid(nspowner) != :'loader'
\gexec
select
    format(
        'alter %s %s owner to %I',
        case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
        pg_class.oid::regclass,
        :'loader'
    )
from pg_class
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where
    (nspname in ('analytics', 'analytics_build', 'own_models', 'dagster') or nspname like 'analytics\_%')
    and pg_get_userbyid(relowner) != :'loader'
    and (
        relkind in ('r', 'p', 'v', 'm')
        or (
            relkind = 'S'
            and not exists (
                select from pg_depend
                where pg_depend.objid = pg_class.oid and classid = 'pg_class'::regclass and deptype in ('a', 'i')
            )
        )
    )
\gexec

-- Tables of an installation that had one role for everything.
grant usage, create on schema public to :"owner";
select
    format(
        'alter %s %s owner to %I',
        case relkind when 'v' then 'view' else 'table' end,
        pg_class.oid::regclass,
        :'owner'
    )
from pg_class
where
    relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')
    and pg_get_userbyid(relowner) != :'owner'
    and not exists (select from pg_depend where pg_depend.objid = pg_class.oid and deptype = 'e')
\gexec
select format('alter routine %s owner to %I', pg_proc.oid::regprocedure, :'owner')
from pg_proc
where
    (pronamespace = 'public'::regnamespace or pronamespace = 'analytics'::regnamespace)
    and pg_get_userbyid(proowner) != :'owner'
    and not exists (select from pg_depend where pg_depend.objid = pg_proc.oid and deptype = 'e')
\gexec

-- The loader writes all rows, and changes no table.
grant usage on schema public to :"loader";
grant select, insert, update, delete on all tables in schema public to :"loader";
-- Which migrations were applied says the owner alone.
select format('revoke insert, update, delete on %s from %I', oid::regclass, :'loader')
from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'r' and (relname like '\_yoyo\_%' or relname like 'yoyo\_%')
\gexec
alter default privileges for role :"owner" in schema public
grant select, insert, update, delete on tables to :"loader";

-- The service reads what it shows, also marts that are built later.
grant usage on schema public, analytics, analytics_build to :"service";
grant select on all tables in schema public, analytics, analytics_build to :"service";
alter default privileges for role :"owner" in schema public grant select on tables to :"service";
alter default privileges for role :"loader" in schema analytics grant select on tables to :"service";
alter default privileges for role :"loader" in schema analytics_build grant select on tables to :"service";

-- It writes what people and portals tell it. It deletes no row of the CRM; history, and what was proved of rows, it cannot change.
select format('grant insert, update, delete on public.%I to %I', written.name, :'service')
from (
    values
    -- people, and who did what
    ('bitrix24_access_keys'), ('bitrix24_access_key_portals'), ('bitrix24_sessions'), ('bitrix24_audit'),
    -- portals: how they are connected, and how much may be asked of them
    ('user_accounts'), ('bitrix24_application_tokens'), ('bitrix24_oauth_states'), ('bitrix24_budget'),
    ('bitrix24_operating'), ('bitrix24_event_health'), ('bitrix24_locks'), ('bitrix24_sync_log'),
    -- events that land, and what people ask Dagster for
    ('bitrix24_webhook_events'), ('bitrix24_run_requests'),
    -- pipelines and fields, read again at the press of a button
    ('bitrix24_pipelines'), ('bitrix24_pipeline_stages'), ('bitrix24_statuses'), ('bitrix24_fields'),
    ('bitrix24_users'), ('bitrix24_departments'), ('bitrix24_currencies'), ('bitrix24_smart_types'),
    -- which entities are read beside those of every portal
    ('bitrix24_chosen_entities'),
    -- own leads, what they are matched with, and what counts as qualified
    ('leads'), ('lead_links'), ('lead_matches'), ('creatives'), ('account_directions'), ('bitrix24_uploads'),
    ('bitrix24_phones'), ('bitrix24_qualification'), ('bitrix24_bookmarks'), ('bitrix24_changes')
) as written (name)
where to_regclass('public.' || quote_ident(written.name)) is not null
\gexec

-- What the portal's own search finds for an own lead is copied at once.
select format('grant %s on public.%I to %I', found.rights, found.name, :'service')
from (
    values
    ('bitrix24_leads', 'insert, update'), ('bitrix24_deals', 'insert, update'),
    ('bitrix24_contacts', 'insert, update'), ('bitrix24_companies', 'insert, update')
) as found (name, rights)
where to_regclass('public.' || quote_ident(found.name)) is not null
\gexec

commit;
