{{ config(materialized='view') }}

with listed as (

    select
        directions.user_account_id,
        directions.direction_id,
        directions.direction_name,
        directions.entity_type,
        listed.number::integer as key_stage_index,
        (listed.stage ->> 'category_id')::bigint as category_id,
        listed.stage ->> 'status_id' as status_id
    from {{ ref('stg_directions') }} as directions
    cross join lateral jsonb_array_elements(directions.key_stages) with ordinality as listed (stage, number)

),

-- the directory itself: it keeps the last name of a stage that was deleted and that nobody has visited
stages as (

    select * from {{ ref('stg_stages') }}

),

pipelines as (

    select * from {{ ref('stg_pipelines') }}

),

final as (

    select
        listed.user_account_id,
        listed.direction_id,
        listed.direction_name,
        listed.entity_type,
        listed.key_stage_index,
        listed.category_id,
        coalesce(
            nullif(pipelines.category_name, ''), nullif(stages.category_name, ''), listed.category_id::text
        ) as category_name,
        listed.status_id,
        coalesce(nullif(stages.status_name, ''), listed.status_id) as status_name,
        stages.status_id is null or stages.deleted_at is not null as is_deleted,
        -- as in int_stage, which does not have deleted stages that nobody has visited
        hashtextextended(
            concat_ws(':', listed.user_account_id, listed.entity_type, listed.category_id, listed.status_id), 0
        ) as stage_key
    from listed
    left join stages
        on
            listed.user_account_id = stages.user_account_id
            and listed.entity_type = stages.entity_type
            and listed.category_id = stages.category_id
            and listed.status_id = stages.status_id
    left join pipelines
        on
            listed.user_account_id = pipelines.user_account_id
            and listed.entity_type = pipelines.entity_type
            and listed.category_id = pipelines.category_id

)

select * from final
