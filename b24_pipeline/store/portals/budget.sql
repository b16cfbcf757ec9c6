-- The request bucket is one moment: `tat`, when all that was poured in will have leaked out.
-- Its level is the time until then. Times are those of the database, the one clock all workers share.

-- name: pour(bucket, seconds)$
-- Add to a bucket, unasked, and return its level in seconds; whoever finds it too full waits outside.
-- greatest(): an empty bucket does not save up for later.
insert into bitrix24_budget (bucket, tat, updated_at)
values (:bucket, clock_timestamp() + make_interval(secs => :seconds), clock_timestamp())
on conflict (bucket) do update
set
    tat = greatest(bitrix24_budget.tat, clock_timestamp()) + make_interval(secs => :seconds),
    updated_at = clock_timestamp()
returning cast(extract(epoch from tat - clock_timestamp()) as double precision);

-- name: pour_if_fits(bucket, seconds, allowance)$
-- Add to a bucket if its level stays within the allowance; no row is returned if it does not fit.
insert into bitrix24_budget (bucket, tat, updated_at)
values (:bucket, clock_timestamp() + make_interval(secs => :seconds), clock_timestamp())
on conflict (bucket) do update
set
    tat = greatest(bitrix24_budget.tat, clock_timestamp()) + make_interval(secs => :seconds),
    updated_at = clock_timestamp()
where
    greatest(bitrix24_budget.tat, clock_timestamp()) + make_interval(secs => :seconds)
    <= clock_timestamp() + make_interval(secs => :allowance)
returning cast(extract(epoch from tat - clock_timestamp()) as double precision);

-- name: level(bucket)$
-- The level of a bucket in seconds; no row if it was never used.
select cast(greatest(extract(epoch from tat - clock_timestamp()), 0) as double precision) as level_seconds
from bitrix24_budget
where bucket = :bucket;

-- name: fill(bucket, seconds)!
-- The portal said that its bucket is full: ours is at least as full, for every worker.
insert into bitrix24_budget (bucket, tat, updated_at)
values (:bucket, clock_timestamp() + make_interval(secs => :seconds), clock_timestamp())
on conflict (bucket) do update
set
    tat = greatest(bitrix24_budget.tat, clock_timestamp() + make_interval(secs => :seconds)),
    updated_at = clock_timestamp();

-- name: clear_bucket(bucket)!
-- Forget one bucket.
delete from bitrix24_budget
where bucket = :bucket;

-- name: clear_all()!
-- Forget every bucket; returns how many there were.
delete from bitrix24_budget;

-- name: is_there()$
-- Whether the table can be read at all.
select count(*) >= 0 as is_there
from bitrix24_budget;

-- name: operating(bucket)
-- Every method of a bucket: run time used, seconds until its reset, seconds until it is released.
select
    method,
    operating_seconds,
    cast(coalesce(greatest(extract(epoch from reset_at - clock_timestamp()), 0), 0) as double precision) as reset_in,
    cast(
        coalesce(greatest(extract(epoch from blocked_until - clock_timestamp()), 0), 0) as double precision
    ) as blocked_for
from bitrix24_operating
where bucket = :bucket;

-- name: note_operating(bucket, method, seconds, reset_in, blocked_for)!
-- Keep what an answer reported of a method. A block that ends later stays: another worker has seen it.
insert into bitrix24_operating (bucket, method, operating_seconds, reset_at, blocked_until, updated_at)
values (
    :bucket,
    :method,
    :seconds,
    clock_timestamp() + make_interval(secs => :reset_in),
    clock_timestamp() + make_interval(secs => :blocked_for),
    clock_timestamp()
)
on conflict (bucket, method) do update
set
    operating_seconds = excluded.operating_seconds,
    reset_at = excluded.reset_at,
    blocked_until = greatest(bitrix24_operating.blocked_until, excluded.blocked_until),
    updated_at = excluded.updated_at;
