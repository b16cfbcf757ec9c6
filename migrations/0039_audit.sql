-- depends: 0038_access
-- Who changed what a person decides. Triggers write it in the transaction of the change, whatever way it came: a page, a call, a
-- command, or SQL by hand. Who it was stands in the setting b24.changed_by of the session or transaction.

create table bitrix24_audit (
    id bigint generated always as identity primary key,
    changed_at timestamptz not null default clock_timestamp(),
    changed_by text not null,
    user_account_id uuid,
    portal text,
    what text not null,
    subject text not null,
    before jsonb,
    after jsonb
);
comment on table bitrix24_audit is 'Each change of what a person decides: portals, flags of stages, key stages, qualification, imports, keys. Rows are only added.';
comment on column bitrix24_audit.id is 'Key; later changes have higher ones.';
comment on column bitrix24_audit.changed_at is 'When it was changed.';
comment on column bitrix24_audit.changed_by is 'The name of a key, B24_ADMIN_KEY, a command with the user of the machine who ran it, or "pipeline": a sync, an event or an installation, or SQL by hand.';
comment on column bitrix24_audit.user_account_id is 'The portal (user_accounts.id), also of one that was deleted; null for keys.';
comment on column bitrix24_audit.portal is 'The name of the portal at that time.';
comment on column bitrix24_audit.what is 'portal, stage flags, key stages, qualification, own leads or key.';
comment on column bitrix24_audit.subject is 'Which one: the portal''s name, entity type, pipeline and code of a stage, name of a direction, of a file or of a key.';
comment on column bitrix24_audit.before is 'What changed, as it was; null where it is new.';
comment on column bitrix24_audit.after is 'What changed, as it is; null where it was deleted.';
create index bitrix24_audit_portal on bitrix24_audit (user_account_id, id desc);

create function b24_note_change(
    account uuid, portal_name text, what text, subject text, before jsonb, after jsonb
) returns void language sql as $$
    insert into bitrix24_audit (changed_by, user_account_id, portal, what, subject, before, after)
    values (
        coalesce(nullif(current_setting('b24.changed_by', true), ''), 'pipeline'),
        account, coalesce(portal_name, (select name from user_accounts where id = account)), what, subject, before, after
    )
$$;
comment on function b24_note_change is 'Adds a row to bitrix24_audit.';

create function b24_decided(portal user_accounts) returns jsonb language sql immutable as $$
    select jsonb_build_object(
        'address', portal.bitrix24_domain,
        'counted', portal.bitrix24_entity_type,
        'plan', portal.bitrix24_plan,
        'status', portal.bitrix24_status,
        'connected_by', case
            when portal.bitrix24_webhook_url is not null then 'webhook'
            when portal.bitrix24_refresh_token is not null then 'oauth'
        end
    )
$$;
comment on function b24_decided is 'What of a portal is a person''s decision, without secrets.';

create function b24_audit_portal() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform b24_note_change(new.id, new.name, 'portal', new.name, null, b24_decided(new));
    elsif tg_op = 'DELETE' then
        perform b24_note_change(old.id, old.name, 'portal', old.name, b24_decided(old), null);
    else
        if b24_decided(old) is distinct from b24_decided(new) then
            perform b24_note_change(new.id, new.name, 'portal', new.name, b24_decided(old), b24_decided(new));
        end if;
        if old.bitrix24_qualification_fields is distinct from new.bitrix24_qualification_fields then
            perform b24_note_change(
                new.id, new.name, 'qualification', new.name,
                old.bitrix24_qualification_fields, new.bitrix24_qualification_fields
            );
        end if;
    end if;
    return null;
end $$;
comment on function b24_audit_portal is 'Notes changes of portals and of their conditions of qualification.';
create trigger b24_audit after insert or update or delete on user_accounts
for each row execute function b24_audit_portal();

create function b24_audit_stage() returns trigger language plpgsql as $$
begin
    perform b24_note_change(
        new.user_account_id, null, 'stage flags', concat_ws(' ', new.entity_type, new.category_id, new.status_id),
        jsonb_build_object(
            'qualified', old.is_qualified_stage, 'won', old.is_success_stage, 'lost', old.is_fail_stage
        ),
        jsonb_build_object(
            'qualified', new.is_qualified_stage, 'won', new.is_success_stage, 'lost', new.is_fail_stage
        )
    );
    return null;
end $$;
comment on function b24_audit_stage is 'Notes changes of the flags of stages: a sync sets them once, when a stage appears.';
create trigger b24_audit after update on bitrix24_pipeline_stages
for each row when (
    (old.is_qualified_stage, old.is_success_stage, old.is_fail_stage)
    is distinct from (new.is_qualified_stage, new.is_success_stage, new.is_fail_stage)
) execute function b24_audit_stage();

create function b24_audit_direction() returns trigger language plpgsql as $$
begin
    perform b24_note_change(
        new.user_account_id, null, 'key stages', new.name,
        case when tg_op = 'UPDATE' then jsonb_build_object('of', old.bitrix24_entity_type, 'stages', old.key_stages) end,
        jsonb_build_object('of', new.bitrix24_entity_type, 'stages', new.key_stages)
    );
    return null;
end $$;
comment on function b24_audit_direction is 'Notes new directions, and changes of their key stages.';
create trigger b24_audit_new after insert on account_directions
for each row execute function b24_audit_direction();
create trigger b24_audit after update on account_directions
for each row when (
    (old.bitrix24_entity_type, old.key_stages) is distinct from (new.bitrix24_entity_type, new.key_stages)
) execute function b24_audit_direction();

create function b24_audit_key() returns trigger language plpgsql as $$
declare
    seen jsonb := case
        when new.is_limited then (
            select coalesce(jsonb_agg(account.name order by account.name), '[]')
            from bitrix24_access_key_portals as limited
            inner join user_accounts as account on account.id = limited.user_account_id
            where limited.access_key_id = new.id
        )
        else '"all"'
    end;
    described jsonb := jsonb_build_object('role', new.role, 'portals', seen);
begin
    if tg_op = 'INSERT' then
        perform b24_note_change(null, null, 'key', new.name, null, described);
    else
        perform b24_note_change(null, null, 'key', new.name, described, null);
    end if;
    return null;
end $$;
comment on function b24_audit_key is 'Notes new keys and revoked ones.';
create trigger b24_audit_new after insert on bitrix24_access_keys
for each row execute function b24_audit_key();
create trigger b24_audit after update on bitrix24_access_keys
for each row when (old.revoked_at is null and new.revoked_at is not null) execute function b24_audit_key();
