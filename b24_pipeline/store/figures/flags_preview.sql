-- name: preview(account, entity_type, stages, are_qualified, are_success, are_fail)^
-- How many leads or deals are qualified, won and lost now, and would be with other flags of some stages; a flag that is null
-- stays. Over all pipelines.
with wanted as (
    select *
    from unnest(
        cast(:stages as uuid[]), cast(:are_qualified as boolean[]), cast(:are_success as boolean[]),
        cast(:are_fail as boolean[])
    ) as wanted (stage_id, is_qualified, is_success, is_fail)
),

flags as (
    select
        known.stage_key,
        stage.is_qualified_stage as was_qualified,
        stage.is_success_stage as was_success,
        stage.is_fail_stage as was_fail,
        coalesce(wanted.is_qualified, stage.is_qualified_stage) as is_qualified,
        coalesce(wanted.is_success, stage.is_success_stage) as is_success,
        coalesce(wanted.is_fail, stage.is_fail_stage) as is_fail
    from bitrix24_pipeline_stages as stage
    inner join analytics_build.int_stage as known
        on
            stage.user_account_id = known.user_account_id
            and stage.entity_type = known.entity_type
            and stage.category_id = known.category_id
            and stage.status_id = known.status_id
    left join wanted on stage.id = wanted.stage_id
    where stage.user_account_id = :account and stage.entity_type = :entity_type
),

there as (
    select
        flags.stage_key,
        sum(stock.entities) as entities
    from flags
    inner join analytics_build.int_stock as stock on flags.stage_key = stock.stage_key
    group by flags.stage_key
),

standing as (
    select
        coalesce(sum(there.entities) filter (where flags.was_success), 0)::bigint as won_before,
        coalesce(sum(there.entities) filter (where flags.is_success), 0)::bigint as won_after,
        coalesce(sum(there.entities) filter (where flags.was_fail and not flags.was_success), 0)::bigint as lost_before,
        coalesce(sum(there.entities) filter (where flags.is_fail and not flags.is_success), 0)::bigint as lost_after
    from there
    inner join flags on there.stage_key = flags.stage_key
),

qualifying as (
    select
        coalesce(array_agg(stage_key) filter (where was_qualified), '{}') as before_keys,
        coalesce(array_agg(stage_key) filter (where is_qualified), '{}') as after_keys
    from flags
),

qualified as (
    select
        count(*) filter (
            where journey.stage_keys && qualifying.before_keys or by_field.entity_id is not null
        ) as qualified_before,
        count(*) filter (
            where journey.stage_keys && qualifying.after_keys or by_field.entity_id is not null
        ) as qualified_after
    from analytics_build.int_journey as journey
    cross join qualifying
    left join bitrix24_qualification as by_field
        on
            journey.user_account_id = by_field.user_account_id
            and journey.entity_type = by_field.entity_type
            and journey.entity_id = by_field.entity_id
            and by_field.is_qualified
    where
        journey.user_account_id = :account
        and journey.entity_type = :entity_type
        and journey.is_counted
)

select
    qualified.qualified_before,
    qualified.qualified_after,
    standing.won_before,
    standing.won_after,
    standing.lost_before,
    standing.lost_after
from qualified
cross join standing;
