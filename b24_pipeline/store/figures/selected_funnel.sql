-- name: stages(portal, entity_type, category_id, definition, is_whole, first_day, last_day, source_id, assigned_by_id, utm_campaign, is_qualified, ts)
-- The stages of a pipeline in its order, with the figures of those that the filters leave, by one definition of having
-- reached a stage. Without any filter (is_whole) they are counted already. A deleted stage is left out where nobody of
-- them has been.
with figures as (
    select
        whole.status_id,
        whole.in_stage,
        whole.amounts_by_currency,
        whole.entered,
        whole.reached,
        whole.reached_implied,
        whole.reached_strict,
        whole.qualified
    from analytics.funnel_stats as whole
    where
        :is_whole and whole.portal = :portal and whole.entity_type = :entity_type
        and whole.category_id = :category_id
    union all
    select
        part.status_id,
        part.in_stage,
        part.amounts_by_currency,
        part.entered,
        part.reached,
        part.reached_implied,
        part.reached_strict,
        part.qualified
    from
        analytics.funnel_of(
            :portal, :entity_type, :first_day, :last_day, :source_id, :assigned_by_id, :utm_campaign, :is_qualified, :ts,
            :category_id
        ) as part
    where not :is_whole
),

counted as (
    select
        figures.*,
        stage.status_name,
        stage.status_color,
        stage.status_sort,
        stage.semantics,
        stage.is_success_stage,
        stage.is_fail_stage,
        stage.is_deleted,
        case :definition
            when 'implied' then figures.reached_implied
            when 'strict' then figures.reached_strict
            else figures.reached
        end as counted
    from figures
    inner join analytics.dim_stage as stage
        on figures.status_id = stage.status_id
    where
        stage.portal = :portal and stage.entity_type = :entity_type and stage.category_id = :category_id
)

select
    counted.status_id,
    counted.status_name,
    counted.status_color,
    counted.semantics,
    counted.is_success_stage,
    counted.is_fail_stage,
    counted.is_deleted,
    counted.in_stage,
    counted.amounts_by_currency,
    counted.entered,
    counted.counted as reached,
    counted.qualified,
    counted.counted::double precision / nullif(counted.entered, 0) as conversion_from_start,
    counted.counted::double precision / nullif(step_before.counted, 0) as conversion_from_previous,
    -- over all that have ever left the stage: a selection has too few of them for a median that means something
    whole.median_seconds
from counted
left join analytics.funnel_stats as whole
    on
        whole.portal = :portal
        and whole.entity_type = :entity_type
        and whole.category_id = :category_id
        and counted.status_id = whole.status_id
left join lateral (
    select earlier.counted
    from counted as earlier
    where
        earlier.semantics = 'process'
        and not earlier.is_deleted
        and earlier.status_sort < counted.status_sort
    order by earlier.status_sort desc, earlier.status_id desc
    limit 1
) as step_before on true
where counted.reached > 0 or counted.in_stage > 0 or not counted.is_deleted
order by counted.status_sort asc nulls last, counted.status_id asc;

-- name: sources(portal)
-- The sources to choose from.
select
    source_id as code,
    source_name as name
from analytics.dim_source
where portal = :portal
order by is_deleted asc, source_sort asc nulls last, source_name asc;

-- name: people(portal)
-- The people to choose from: those who work there now first.
select
    user_id::text as code,
    coalesce(user_name, user_id::text) as name
from analytics.dim_user
where portal = :portal
order by is_active desc, user_name asc nulls last, user_id asc
limit 1000;

-- name: campaigns(account, entity_type)
-- The campaigns to choose from, the largest first.
select
    utm_campaign as code,
    utm_campaign as name
from analytics_build.int_campaign
where user_account_id = :account and entity_type = :entity_type
order by entities desc, utm_campaign asc
limit 500;

-- name: entities(account, entity_type, category_id, status_id, has_left, first_day, last_day, source_id, assigned_by_id, utm_campaign, is_qualified, ts, zone, most, skipped)
-- The ids of the leads or deals behind a stage's figure, the latest created first: those who stand there, or all who have been there.
with journeys as not materialized (
    select
        journey.entity_id,
        journey.date_create,
        journey.stage_keys,
        case
            when cast(:ts as timestamptz) is null then cardinality(journey.stage_keys)
            else width_bucket(cast(:ts as timestamptz), journey.entered_at)
        end as seen
    from analytics_build.int_journey as journey
    where
        journey.user_account_id = :account
        and journey.entity_type = :entity_type
        and journey.is_counted
        and (
            cast(:first_day as date) is null
            or journey.date_create >= cast(cast(:first_day as date) as timestamp) at time zone :zone
        )
        and (
            cast(:last_day as date) is null
            or journey.date_create < cast(cast(:last_day as date) + 1 as timestamp) at time zone :zone
        )
        and (cast(:source_id as text) is null or journey.source_id = :source_id)
        and (cast(:assigned_by_id as bigint) is null or journey.assigned_by_id = :assigned_by_id)
        and (cast(:utm_campaign as text) is null or journey.utm_campaign = :utm_campaign)
        and (cast(:is_qualified as boolean) is null or journey.is_qualified = :is_qualified)
),

stage as (
    select stage_key
    from analytics_build.int_stage
    where
        user_account_id = :account and entity_type = :entity_type
        and category_id = :category_id and status_id = :status_id
),

there as not materialized (
    select
        journeys.entity_id,
        journeys.date_create
    from journeys
    cross join stage
    where
        case
            when :has_left then stage.stage_key = any(trim_array(journeys.stage_keys, cardinality(journeys.stage_keys) - journeys.seen))
            else journeys.stage_keys[journeys.seen] = stage.stage_key
        end
),

-- in the order of the index, which is read from its end until there are enough; few have no creation
found as (
    (
        select *
        from there
        where date_create is not null
        order by date_create desc, entity_id desc
        limit cast(:most as bigint) + cast(:skipped as bigint)
    )
    union all
    (
        select *
        from there
        where date_create is null
        order by entity_id desc
        limit cast(:most as bigint) + cast(:skipped as bigint)
    )
)

select entity_id
from found
order by date_create desc nulls last, entity_id desc
limit :most
offset :skipped;
