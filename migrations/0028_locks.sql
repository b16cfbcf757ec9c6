-- depends: 0025_model_sources_and_killed_syncs
-- Locks that a role of the database which reads only the marts cannot take: whoever may connect may take any advisory
-- lock, and sees the keys of those that are held. So the keys are random, and one that a stranger holds is given up.

create table bitrix24_locks (
    name text primary key,
    key bigint not null default ('x' || left(md5(gen_random_uuid()::text), 16))::bit(64)::bigint,
    user_account_id uuid references user_accounts on delete cascade
);
comment on table bitrix24_locks is 'Locks of work that one process may do at a time. Transactions lock the row; what takes longer takes an advisory lock with its key.';
comment on column bitrix24_locks.name is 'What is locked.';
comment on column bitrix24_locks.key is 'The random key of the advisory lock; another one once a role that may not read this table holds it.';
comment on column bitrix24_locks.user_account_id is 'The portal, of a lock that lives as long as its account.';

insert into bitrix24_locks (name) values ('relations');

-- made with the account: who makes a row and keeps the transaction open would let the next one wait instead of saying no
create function b24_make_locks() returns trigger language plpgsql as $$
begin
    insert into bitrix24_locks (name, user_account_id)
    select purpose || ' ' || new.id, new.id
    from unnest(array['drain', 'matches', 'custom fields']) as purpose
    on conflict do nothing;
    return null;
end $$;
comment on function b24_make_locks is 'The locks of a portal, which its transactions take.';

create trigger b24_make_locks after insert on user_accounts for each row execute function b24_make_locks();

insert into bitrix24_locks (name, user_account_id)
select
    purpose || ' ' || account.id as name,
    account.id as user_account_id
from user_accounts as account
cross join unnest(array['drain', 'matches', 'custom fields']) as purpose;

create function b24_is_locked(wanted bigint) returns boolean
stable
return exists (
    select
    from pg_locks as held
    inner join pg_stat_activity as holder on held.pid = holder.pid
    where
        held.locktype = 'advisory' and held.granted and held.objsubid = 1
        and held.database = (select oid from pg_database where datname = current_database())
        and ((held.classid::bigint << 32) | held.objid::bigint) = wanted
        and has_table_privilege(holder.usesysid, 'bitrix24_locks', 'update')
);
comment on function b24_is_locked is 'Whether a session of ours holds the advisory lock of this key: one whose role may change the table of locks.';

create function b24_take_lock(wanted text) returns bigint language plpgsql as $$
declare
    found bigint;
begin
    -- one at a time: nobody of ours takes the lock between the look at who holds it and the new key
    loop
        select key into found from bitrix24_locks where name = wanted for update;
        exit when found is not null;
        insert into bitrix24_locks (name) values (wanted) on conflict do nothing;
    end loop;
    if pg_try_advisory_lock(found) then
        return found;
    end if;
    if b24_is_locked(found) then
        return null;
    end if;
    update bitrix24_locks set key = default where name = wanted returning key into found;
    return case when pg_try_advisory_lock(found) then found end;
end $$;
comment on function b24_take_lock is 'Takes the lock of this name for the session and returns its key; null where another session of ours has it.';
