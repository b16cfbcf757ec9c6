-- depends: 0054_tables_of_several_entities
-- Pipelines, stages and moves of smart processes and invoices stand beside those of leads and deals.

alter table bitrix24_pipelines drop constraint bitrix24_pipelines_entity_type_check;
alter table bitrix24_pipeline_stages drop constraint bitrix24_pipeline_stages_entity_type_check;
comment on table bitrix24_pipelines is 'Pipelines of deals, and of the smart processes and invoices that are read; leads and quotes have the one pipeline 0.';
comment on column bitrix24_pipelines.entity_type is 'lead or deal; invoice, quote or a smart process such as item_156 where they are read.';
comment on column bitrix24_pipeline_stages.entity_type is 'lead or deal; invoice, quote or a smart process such as item_156 where they are read.';

-- the number of the entity is written with the row: a generated column cannot take another expression without
-- writing the whole table anew
alter table bitrix24_status_history alter column entity_id drop expression;

do $$
declare
    old record;
begin
    for old in
        select conname
        from pg_constraint
        where
            conrelid = 'bitrix24_status_history'::regclass and contype = 'c'
            and (
                pg_get_constraintdef(oid) like '%bitrix24_lead_id%'
                or conname = 'bitrix24_status_history_entity_type_check'
            )
    loop
        execute format('alter table bitrix24_status_history drop constraint %I', old.conname);
    end loop;
end $$;

-- not validated: the rows that are there met what was checked until now, and there may be many
alter table bitrix24_status_history add constraint bitrix24_status_history_entity check (
    entity_id is not null
    and bitrix24_lead_id is not distinct from case when entity_type = 'lead' then entity_id end
    and bitrix24_deal_id is not distinct from case when entity_type = 'deal' then entity_id end
) not valid;

-- versions before this one leave it to the database
create function b24_entity_of_move() returns trigger language plpgsql as $$
begin
    new.entity_id := coalesce(new.bitrix24_lead_id, new.bitrix24_deal_id);
    return new;
end $$;
comment on function b24_entity_of_move is 'The number of the lead or deal that moved.';
create trigger b24_entity_of_move before insert on bitrix24_status_history
for each row when (new.entity_id is null) execute function b24_entity_of_move();

comment on table bitrix24_status_history is 'Every move that is known, of leads and deals, and of the smart processes and invoices that are read. Nothing is ever deleted from it.';
comment on column bitrix24_status_history.entity_type is 'lead or deal; invoice or a smart process such as item_156 where they are read.';
comment on column bitrix24_status_history.bitrix24_lead_id is 'The lead that moved; null where it was none.';
comment on column bitrix24_status_history.bitrix24_deal_id is 'The deal that moved; null where it was none.';
comment on column bitrix24_status_history.entity_id is 'Id of what moved.';

create or replace view bitrix24_positions as
select
    user_account_id,
    'lead' as entity_type,
    id as entity_id,
    0::bigint as category_id,
    status_id,
    status_semantic_id as semantic_id,
    coalesce(moved_time, date_modify, date_create) as moved_at,
    loaded_at
from bitrix24_leads
where deleted_at is null and status_id is not null
union all
select
    user_account_id,
    'deal' as entity_type,
    id as entity_id,
    category_id,
    stage_id as status_id,
    stage_semantic_id as semantic_id,
    coalesce(moved_time, date_modify, date_create) as moved_at,
    loaded_at
from bitrix24_deals
-- templates of recurring deals do not move
where deleted_at is null and stage_id is not null and category_id is not null and is_recurring is not true
union all
select
    item.user_account_id,
    item.entity_type,
    item.id as entity_id,
    item.category_id,
    item.stage_id as status_id,
    -- an item does not say it itself
    case stage.status_semantics when 'success' then 'S' when 'failure' then 'F' else 'P' end as semantic_id,
    coalesce(item.moved_time, item.date_modify, item.date_create) as moved_at,
    item.loaded_at
from bitrix24_items as item
left join bitrix24_pipeline_stages as stage
    on
        item.user_account_id = stage.user_account_id
        and item.entity_type = stage.entity_type
        and item.category_id = stage.category_id
        and item.stage_id = stage.status_id
where item.deleted_at is null and item.stage_id is not null;
comment on view bitrix24_positions is 'Where each lead, deal and item alive stands now, whatever its history says.';
comment on column bitrix24_positions.entity_type is 'lead or deal; invoice, quote or a smart process such as item_156 where they are read.';
comment on column bitrix24_positions.entity_id is 'Id of what stands there.';
comment on column bitrix24_positions.category_id is 'Its pipeline; 0 for leads and quotes.';

alter table bitrix24_changes drop constraint bitrix24_changes_entity_type_check;
comment on table bitrix24_changes is 'Which leads, deals, items and own leads each statement wrote. Builds of the models work from it; what all of them have seen is deleted.';
comment on column bitrix24_changes.entity_type is 'lead, deal, own_lead, invoice, quote or a smart process such as item_156; null where a whole table was emptied.';
comment on column bitrix24_changes.entity_ids is 'Leads, deals or items that were written, by their number in the portal, or whose moves or qualification were.';

comment on column bitrix24_webhook_events.entity_type is 'lead, deal, contact or company; quote, invoice or a smart process such as item_156; null for others.';
comment on column bitrix24_coverage.entity_type is 'lead, deal, contact or company; invoice, quote or a smart process such as item_156 where they are read.';
comment on column bitrix24_cursors.entity_type is 'lead, deal, contact, company, lead_history or deal_history; invoice, quote or a smart process such as item_156 and their histories where they are read.';
comment on column bitrix24_sync_log.entity_type is 'What was read: lead, deal, contact, company, user, pipeline, stage, field, lead_history, deal_history; smart_type, invoice, quote or a smart process such as item_156 where they are read; agreement for the comparison of stages.';

create function b24_is_read(account uuid, entity text) returns boolean
language sql stable as $$
    select
        entity !~ '^(invoice|quote|item_[0-9]+)(_history)?$'
        or exists (
            select from bitrix24_chosen_entities as chosen
            where chosen.user_account_id = account and chosen.entity_type = regexp_replace(entity, '_history$', '')
        )
$$;
comment on function b24_is_read(uuid, text) is
'Whether an entity of the sync log is read of this portal: what was chosen once and is not any more does not fall behind.';

create function b24_log_items() returns trigger language plpgsql as $$
begin
    insert into bitrix24_changes (table_name, user_account_id, entity_type, entity_ids)
    select tg_table_name, user_account_id, entity_type, array_agg(id)
    from changed
    group by user_account_id, entity_type;
    return null;
end $$;
comment on function b24_log_items is 'Notes the items that a statement wrote.';

create trigger b24_log_inserted after insert on bitrix24_items
referencing new table as changed for each statement execute function b24_log_items();
create trigger b24_log_updated after update on bitrix24_items
referencing new table as changed for each statement execute function b24_log_items();
create trigger b24_log_deleted after delete on bitrix24_items
referencing old table as changed for each statement execute function b24_log_items();
create trigger b24_log_emptied after truncate on bitrix24_items
for each statement execute function b24_log_emptied();
