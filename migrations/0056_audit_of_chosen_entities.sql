-- depends: 0055_moves_of_items
-- Which entities of a portal are read is a person's decision: the audit has it.

create function b24_audit_choice() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform b24_note_change(
            new.user_account_id, null, 'entities', new.entity_type, null,
            jsonb_build_object('entity_type', new.entity_type)
        );
    elsif exists (select from user_accounts where id = old.user_account_id) then  -- else the portal goes, with all of it
        perform b24_note_change(
            old.user_account_id, null, 'entities', old.entity_type,
            jsonb_build_object('entity_type', old.entity_type), null
        );
    end if;
    return null;
end $$;
comment on function b24_audit_choice is 'Notes which entities of a portal are read, and no more.';
create trigger b24_audit after insert or delete on bitrix24_chosen_entities
for each row execute function b24_audit_choice();

-- The service's role may choose, and may not write what was proved of rows.
create function b24_forget_proof() returns trigger language plpgsql security definer
set search_path = pg_catalog
as $$
begin
    delete from public.bitrix24_coverage
    where user_account_id = old.user_account_id and entity_type = old.entity_type;
    return null;
end $$;
comment on function b24_forget_proof is 'What is not read any more is not proved any more, whoever has decided so.';
create trigger b24_forget_proof after delete on bitrix24_chosen_entities
for each row execute function b24_forget_proof();

comment on column bitrix24_audit.what is 'portal, entities, stage flags, key stages, qualification, own leads or key.';
comment on column bitrix24_audit.subject is 'Which one: the portal''s name, a chosen entity, entity type, pipeline and code of a stage, name of a direction, of a file or of a key.';
