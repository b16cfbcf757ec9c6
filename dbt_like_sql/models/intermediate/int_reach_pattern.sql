{{ config(materialized='view') }}

with stages as (

    select
        stage.*,
        '%<' || stage_key || '>' as pattern,
        case when semantics != 'failure' and not is_deleted then status_sort end as furthest_sort,
        semantics = 'process' and not is_deleted as is_process_stage,
        -- what has no known place comes last
        coalesce(status_sort, 9223372036854775807) as place
    from {{ ref('int_stage') }} as stage

),

patterns as (

    select
        this.stage_key,
        this.pipeline_key,
        array[this.pattern || '%'] as actual,
        array_agg(other.pattern || '%' order by other.stage_key) filter (
            where other.stage_key = this.stage_key or other.furthest_sort >= this.furthest_sort
        ) as implied,
        array[
            coalesce(
                string_agg(other.pattern, '' order by other.place, other.status_id) filter (
                    where other.is_process_stage and other.place < this.place
                ), ''
            ) || this.pattern || '%'
        ] as strict
    from stages as this
    inner join stages as other on this.pipeline_key = other.pipeline_key
    group by this.stage_key, this.pipeline_key, this.pattern

),

final as (

    select
        row_number() over (order by patterns.stage_key, each.definition) as pattern_number,
        patterns.pipeline_key,
        patterns.stage_key,
        each.definition,
        each.likenesses
    from patterns
    cross join lateral (
        values ('actual', patterns.actual), ('implied', patterns.implied), ('strict', patterns.strict)
    ) as each (definition, likenesses)

)

select * from final
