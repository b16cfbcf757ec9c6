-- name: stays(account, entity_type, category_id, by, first_day, last_day, zone)
-- Median and 90th percentile of the finished visits of each stage of a pipeline that ended in a period: of all, or by
-- responsible person of now, or by the month in which they ended.
with visits as (
    select
        visit.stage_key,
        extract(epoch from visit.counted_duration)::double precision as seconds,
        case when :by = 'person' then visit.assigned_by_id end as person,
        case when :by = 'month' then date_trunc('month', visit.exited_at at time zone :zone) end as month
    from analytics_build.int_stage as stage
    inner join analytics_build.int_stage_interval as visit on stage.stage_key = visit.stage_key
    where
        stage.user_account_id = :account
        and stage.entity_type = :entity_type
        and stage.category_id = :category_id
        and visit.counted_duration is not null
        and (
            cast(:first_day as date) is null
            or visit.exited_at >= cast(cast(:first_day as date) as timestamp) at time zone :zone
        )
        and (
            cast(:last_day as date) is null
            or visit.exited_at < cast(cast(:last_day as date) + 1 as timestamp) at time zone :zone
        )
),

-- the names come after the count: what is sorted for the percentiles is numbers alone
measured as (
    select
        visits.stage_key,
        visits.person,
        visits.month,
        count(*) as visits,
        percentile_cont(array[0.5, 0.9]) within group (order by visits.seconds) as percentiles
    from visits
    group by visits.stage_key, visits.person, visits.month
),

named as (
    select
        measured.*,
        coalesce(measured.person::text, to_char(measured.month, 'YYYY-MM')) as group_code
    from measured
)

select
    measured.group_code,
    coalesce(owner.owner_name, measured.group_code) as group_name,
    stage.status_id,
    stage.status_name,
    stage.status_sort,
    stage.status_color,
    stage.is_deleted,
    measured.visits,
    measured.percentiles[1] as median_seconds,
    measured.percentiles[2] as slow_seconds
from named as measured
inner join analytics_build.int_stage as stage on measured.stage_key = stage.stage_key
left join analytics_build.int_owner as owner
    on owner.user_account_id = :account and measured.person = owner.owner_id
order by
    measured.month desc,
    group_name asc nulls last,
    measured.person asc,
    stage.status_sort asc nulls last,
    stage.status_id asc;

-- name: stays_of_all_time(account, entity_type, category_id)
-- The same of all finished visits, found in the histogram of each stage without sorting a million of them.
with buckets as (
    select
        stage.stage_key,
        stage.status_id,
        stage.status_name,
        stage.status_color,
        stage.status_sort,
        stage.is_deleted,
        counted.duration_bucket,
        counted.visits,
        sum(counted.visits) over of_stage - counted.visits as visits_before,
        sum(counted.visits) over (partition by counted.stage_key) as all_visits
    from analytics_build.int_stage as stage
    inner join analytics_build.int_duration_count as counted on stage.stage_key = counted.stage_key
    where
        stage.user_account_id = :account
        and stage.entity_type = :entity_type
        and stage.category_id = :category_id
    window of_stage as (partition by counted.stage_key order by counted.duration_bucket)
),

stages as (
    select distinct
        stage_key,
        status_id,
        status_name,
        status_color,
        status_sort,
        is_deleted,
        all_visits
    from buckets
),

-- a percentile lies between two visits, nearer to one of them
ranks as (
    select
        stages.stage_key,
        percentile.part,
        neighbour.visits_shorter,
        neighbour.weight
    from stages
    cross join (values (0.5), (0.9)) as percentile (part)
    cross join lateral (values (percentile.part * (stages.all_visits - 1))) as exact (place)
    cross join lateral (
        values
        (floor(exact.place), 1 - exact.place + floor(exact.place)),
        (ceil(exact.place), exact.place - floor(exact.place))
    ) as neighbour (visits_shorter, weight)
    where neighbour.weight > 0
),

found as (
    select
        ranks.stage_key,
        ranks.part,
        sum(ranks.weight::double precision * visit.seconds) as seconds
    from ranks
    inner join buckets
        on
            ranks.stage_key = buckets.stage_key
            and ranks.visits_shorter >= buckets.visits_before
            and ranks.visits_shorter < buckets.visits_before + buckets.visits
    cross join lateral (
        select extract(epoch from visit.counted_duration)::double precision as seconds
        from analytics_build.int_stage_interval as visit
        where visit.stage_key = buckets.stage_key and visit.duration_bucket = buckets.duration_bucket
        order by visit.stage_key, visit.duration_bucket, visit.counted_duration
        limit 1
        offset (ranks.visits_shorter - buckets.visits_before)
    ) as visit
    group by ranks.stage_key, ranks.part
)

select
    null::text as group_code,
    null::text as group_name,
    stages.status_id,
    stages.status_name,
    stages.status_sort,
    stages.status_color,
    stages.is_deleted,
    stages.all_visits::bigint as visits,
    middle.seconds as median_seconds,
    slow.seconds as slow_seconds
from stages
inner join found as middle on stages.stage_key = middle.stage_key and middle.part = 0.5
inner join found as slow on stages.stage_key = slow.stage_key and slow.part = 0.9
order by stages.status_sort asc nulls last, stages.status_id asc;

-- name: stuck(account, portal, entity_type, category_id, most, skipped)
-- Open leads or deals that have waited in their stage for more than twice the median of all that ever left it, the longest
-- wait first. `all` is how many there are.
with stages as (
    select
        stage.stage_key,
        whole.median_seconds,
        now() - 2 * whole.median_seconds * interval '1 second' as stuck_since
    from analytics.funnel_stats as whole
    inner join analytics_build.int_stage as stage
        on
            stage.user_account_id = :account
            and whole.entity_type = stage.entity_type
            and whole.category_id = stage.category_id
            and whole.status_id = stage.status_id
    where
        whole.portal = :portal
        and whole.entity_type = :entity_type
        and whole.category_id = :category_id
),

counted as (
    select count(*) as of_all
    from stages
    inner join analytics_build.int_journey as journey
        on
            stages.stage_key = journey.open_stage_key
            and stages.stuck_since > journey.open_stage_since
),

stuck as (
    select
        longest.entity_id,
        stages.median_seconds,
        extract(epoch from now() - longest.open_stage_since) as waited_seconds,
        counted.of_all
    from stages
    -- of each stage no more than are shown of all: the index has them in this order
    cross join lateral (
        select
            journey.entity_id,
            journey.open_stage_since
        from analytics_build.int_journey as journey
        where
            stages.stage_key = journey.open_stage_key
            and journey.open_stage_since < stages.stuck_since
        order by journey.open_stage_since asc, journey.entity_id asc
        limit cast(:most as bigint) + cast(:skipped as bigint)
    ) as longest
    cross join counted
    order by longest.open_stage_since asc, longest.entity_id asc
    limit :most
    offset :skipped
)

select
    stuck.entity_id,
    stuck.of_all,
    stuck.waited_seconds,
    stuck.median_seconds,
    fact.title,
    fact.status_id,
    fact.stage_name,
    coalesce(stage.is_deleted, false) as stage_is_deleted,
    fact.owner_name,
    fact.opportunity,
    fact.currency_id
from stuck
cross join lateral (
    select
        deal.title,
        deal.stage_name,
        deal.status_id,
        deal.owner_name,
        deal.opportunity,
        deal.currency_id
    from analytics.fct_deal as deal
    where :entity_type = 'deal' and deal.portal = :portal and deal.entity_id = stuck.entity_id
    union all
    select
        lead.title,
        lead.stage_name,
        lead.status_id,
        lead.owner_name,
        lead.opportunity,
        lead.currency_id
    from analytics.fct_lead as lead
    where :entity_type = 'lead' and lead.portal = :portal and lead.entity_id = stuck.entity_id
) as fact
left join analytics.dim_stage as stage
    on
        stage.portal = :portal
        and stage.entity_type = :entity_type
        and stage.category_id = :category_id
        and fact.status_id = stage.status_id
order by stuck.waited_seconds desc, stuck.entity_id asc;
