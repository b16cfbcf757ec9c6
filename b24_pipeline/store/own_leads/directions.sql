-- name: directions(account, direction)
-- One or all, by name, with how many own leads each has, and its key stages in order under the names that they had last.
select
    direction.id,
    direction.name,
    direction.bitrix24_entity_type as entity_type,
    direction.created_at,
    (
        select count(*)
        from leads as own
        where own.user_account_id = direction.user_account_id and own.direction_id = direction.id
    ) as own_leads,
    (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'category_id', chosen.category_id,
                        'status_id', chosen.status_id,
                        'category_name', coalesce(
                            nullif(pipeline.name, ''), nullif(stage.category_name, ''), chosen.category_id::text
                        ),
                        'status_name', coalesce(nullif(stage.status_name, ''), chosen.status_id),
                        'is_deleted', stage.id is null or stage.deleted_at is not null
                    )
                    order by chosen.number
                ),
                '[]'
            )
        from (
            select
                listed.number,
                (listed.stage ->> 'category_id')::bigint as category_id,
                listed.stage ->> 'status_id' as status_id
            from jsonb_array_elements(direction.key_stages) with ordinality as listed (stage, number)
        ) as chosen
        left join bitrix24_pipeline_stages as stage
            on
                direction.user_account_id = stage.user_account_id
                and direction.bitrix24_entity_type = stage.entity_type
                and chosen.category_id = stage.category_id
                and chosen.status_id = stage.status_id
        left join bitrix24_pipelines as pipeline
            on
                direction.user_account_id = pipeline.user_account_id
                and direction.bitrix24_entity_type = pipeline.entity_type
                and chosen.category_id = pipeline.category_id
    ) as key_stages
from account_directions as direction
where
    direction.user_account_id = :account
    and (cast(:direction as uuid) is null or direction.id = :direction)
order by direction.name, direction.id;

-- name: add_direction(account, name)$
-- The new one's id; null where the name is taken.
insert into account_directions (user_account_id, name)
values (:account, :name)
on conflict (user_account_id, name) do nothing
returning id;

-- name: hold_direction(account, direction)$
-- Whether there is such a direction; nobody else changes it until the end of the transaction.
select true
from account_directions
where user_account_id = :account and id = :direction
for update;

-- name: missing_stages(account, direction, entity_type, key_stages)
-- Wanted stages that the portal does not have. One that is a key stage already may stay, though it was deleted.
select
    wanted.category_id,
    wanted.status_id
from jsonb_to_recordset(:key_stages) as wanted (category_id bigint, status_id text)
where
    not exists (
        select 1
        from bitrix24_pipeline_stages as stage
        where
            stage.user_account_id = :account
            and stage.entity_type = :entity_type
            and stage.category_id = wanted.category_id
            and stage.status_id = wanted.status_id
            and stage.deleted_at is null
    )
    and not exists (
        select 1
        from account_directions as direction
        where
            direction.user_account_id = :account
            and direction.id = :direction
            and direction.bitrix24_entity_type = :entity_type
            and direction.key_stages @> jsonb_build_array(
                jsonb_build_object('category_id', wanted.category_id, 'status_id', wanted.status_id)
            )
    );

-- name: set_key_stages(account, direction, entity_type, key_stages)!
update account_directions
set
    bitrix24_entity_type = :entity_type,
    key_stages = :key_stages
where user_account_id = :account and id = :direction;
