-- depends: 0009_given_up_events
-- Rows are counted in their own table alone: a lock on another one must not hold this one's load.

create function b24_count_created(
    target regclass, account uuid, created_from date, created_before date, time_zone text
) returns bigint
language plpgsql stable as $$
declare
    alive bigint;
begin
    execute format(
        $count$
        select count(*)
        from %s
        where
            user_account_id = $1 and deleted_at is null
            and ($2 = date '0001-01-01' or date_create >= $2::timestamp at time zone $4)
            and ($3 = date '9999-12-31' or date_create < $3::timestamp at time zone $4)
        $count$,
        target
    ) into alive using account, created_from, created_before, time_zone;
    return alive;
end;
$$;
comment on function b24_count_created is 'How many rows of a portal are alive that were created on these days of its zone; those without a day count only in the whole.';
