-- The request bucket is one moment: `tat`, when all that was poured in will have leaked out.
-- Its level is the time until then. Times are those of the database, the one clock all workers share.
-- Where that clock was put back, `updated_at` lies in the future: nothing is known to have leaked since, and the
-- level is what it was then. So a bucket is never fuller than it was when it was used last.

-- name: pour(bucket, seconds, most)$
-- Add to a bucket if its level stays at `most` or below, and return its level in seconds; no row is returned if it
-- was not added. Whoever finds it too full waits outside. greatest(): an empty bucket does not save up for later.
insert into bitrix24_budget (bucket, tat, updated_at)
values (:bucket, clock_timestamp() + make_interval(secs => :seconds), clock_timestamp())
on conflict (bucket) do update
set
    tat = greatest(
        bitrix24_budget.tat - greatest(bitrix24_budget.updated_at - clock_timestamp(), interval '0'), clock_timestamp()
    ) + make_interval(secs => :seconds),
    updated_at = clock_timestamp()
where
    greatest(
        bitrix24_budget.tat - greatest(bitrix24_budget.updated_at - clock_timestamp(), interval '0'), clock_timestamp()
    ) + make_interval(secs => :seconds)
    <= clock_timestamp() + make_interval(secs => :most)
returning cast(extract(epoch from tat - clock_timestamp()) as double precision);

-- name: level(bucket)$
-- The level of a bucket in seconds; no row if it was never used.
select
    cast(greatest(extract(epoch from tat - greatest(updated_at, clock_timestamp())), 0) as double precision)
        as level_seconds
from bitrix24_budget
where bucket = :bucket;

-- name: fill(bucket, seconds)!
-- The portal said that its bucket is full: ours is at least as full, for every worker.
insert into bitrix24_budget (bucket, tat, updated_at)
values (:bucket, clock_timestamp() + make_interval(secs => :seconds), clock_timestamp())
on conflict (bucket) do update
set
    tat = greatest(
        bitrix24_budget.tat - greatest(bitrix24_budget.updated_at - clock_timestamp(), interval '0'),
        clock_timestamp() + make_interval(secs => :seconds)
    ),
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
-- Every method of a bucket: run time used, seconds until its reset, seconds until it is released. Where the clock
-- was put back since, as many as there were then.
select
    method,
    operating_seconds,
    cast(
        coalesce(greatest(extract(epoch from reset_at - greatest(updated_at, clock_timestamp())), 0), 0)
        as double precision
    ) as reset_in,
    cast(
        coalesce(greatest(extract(epoch from blocked_until - greatest(updated_at, clock_timestamp())), 0), 0)
        as double precision
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
    blocked_until = greatest(
        bitrix24_operating.blocked_until - greatest(bitrix24_operating.updated_at - clock_timestamp(), interval '0'),
        excluded.blocked_until
    ),
    updated_at = excluded.updated_at;
