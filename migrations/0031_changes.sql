-- depends: 0028_locks
-- What changed, for whoever builds on the copy. Whatever writes leads, deals, moves, qualification or own leads notes here
-- which of them it wrote, in its own transaction. Nothing of it goes by a clock: the number of a transaction only grows, and
-- a snapshot tells which of them a reader has seen, also of those that began before and ended after.

create table bitrix24_changes (
    number bigint generated always as identity primary key,
    changed_in xid8 not null default pg_current_xact_id(),
    changed_at timestamptz not null default clock_timestamp(),
    table_name text not null,
    user_account_id uuid,
    entity_type text check (entity_type in ('lead', 'deal', 'own_lead')),
    entity_ids bigint[],
    own_lead_ids uuid[],
    check (num_nonnulls(entity_ids, own_lead_ids) <= 1)
);
comment on table bitrix24_changes is 'Which leads, deals and own leads each statement wrote. Builds of the models work from it; what all of them have seen is deleted.';
comment on column bitrix24_changes.number is 'Key.';
comment on column bitrix24_changes.changed_in is 'The transaction that wrote them.';
comment on column bitrix24_changes.changed_at is 'When they were written.';
comment on column bitrix24_changes.table_name is 'The table that was written.';
comment on column bitrix24_changes.user_account_id is 'The portal; null where a whole table was emptied.';
comment on column bitrix24_changes.entity_type is 'lead, deal or own_lead; null where a whole table was emptied.';
comment on column bitrix24_changes.entity_ids is 'Leads or deals that were written, by their number in the portal, or whose moves or qualification were.';
comment on column bitrix24_changes.own_lead_ids is 'Own leads that were written.';
create index bitrix24_changes_in on bitrix24_changes (changed_in);

create function b24_log_entities() returns trigger language plpgsql as $$
begin
    insert into bitrix24_changes (table_name, user_account_id, entity_type, entity_ids)
    select tg_table_name, user_account_id, tg_argv[0], array_agg(id)
    from changed
    group by user_account_id;
    return null;
end $$;
comment on function b24_log_entities is 'Notes the leads or deals that a statement wrote.';

create function b24_log_about_entities() returns trigger language plpgsql as $$
begin
    insert into bitrix24_changes (table_name, user_account_id, entity_type, entity_ids)
    select tg_table_name, user_account_id, entity_type, array_agg(distinct entity_id)
    from changed
    group by user_account_id, entity_type;
    return null;
end $$;
comment on function b24_log_about_entities is 'Notes the leads or deals about which a statement wrote something.';

create function b24_log_own_leads() returns trigger language plpgsql as $$
begin
    insert into bitrix24_changes (table_name, user_account_id, entity_type, own_lead_ids)
    select tg_table_name, user_account_id, 'own_lead', array_agg(id)
    from changed
    group by user_account_id;
    return null;
end $$;
comment on function b24_log_own_leads is 'Notes the own leads that a statement wrote.';

create function b24_log_emptied() returns trigger language plpgsql as $$
begin
    insert into bitrix24_changes (table_name) values (tg_table_name);
    return null;
end $$;
comment on function b24_log_emptied is 'Notes that a whole table was emptied.';

do $$
declare
    logged record;
begin
    for logged in
        values
            ('bitrix24_leads', 'b24_log_entities(''lead'')'),
            ('bitrix24_deals', 'b24_log_entities(''deal'')'),
            ('bitrix24_status_history', 'b24_log_about_entities()'),
            ('bitrix24_qualification', 'b24_log_about_entities()'),
            ('leads', 'b24_log_own_leads()')
    loop
        execute format(
            $ddl$
            create trigger b24_log_inserted after insert on %1$I
            referencing new table as changed for each statement execute function %2$s;
            create trigger b24_log_updated after update on %1$I
            referencing new table as changed for each statement execute function %2$s;
            create trigger b24_log_deleted after delete on %1$I
            referencing old table as changed for each statement execute function %2$s;
            create trigger b24_log_emptied after truncate on %1$I
            for each statement execute function b24_log_emptied();
            $ddl$, logged.column1, logged.column2
        );
    end loop;
end $$;

create table bitrix24_model_rows (
    schema_name text not null,
    model text not null,
    rows bigint not null,
    primary key (schema_name, model)
);
comment on table bitrix24_model_rows is 'How many rows the table of each SQL model has, so that nobody counts them after each build.';
comment on column bitrix24_model_rows.schema_name is 'The schema of the models.';
comment on column bitrix24_model_rows.model is 'The model.';
comment on column bitrix24_model_rows.rows is 'Its rows after the last build.';
comment on column bitrix24_model_sources.state is 'How the table stood: a sum, or its last stamp and the rows near it. Of bitrix24_changes: the server and the snapshot up to which its changes were seen.';
