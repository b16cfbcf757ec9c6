{{ config(unique_key='stage_key') }}

with stages as (

    select
        stage.*,
        semantics = 'process' and not is_deleted as is_step,
        -- what has no known place comes last
        coalesce(status_sort, 9223372036854775807) as place
    from {{ ref('int_stage') }} as stage

),

final as (

    select
        this.user_account_id,
        this.stage_key,
        this.pipeline_key,
        this.is_qualified_stage as is_qualified,
        -- one number for all stages of the pipeline in which it is won, another for those in which it is lost
        case
            when this.is_success_stage then this.pipeline_key
            when this.is_fail_stage then ~this.pipeline_key
        end as closing_key,
        case when this.semantics != 'failure' and not this.is_deleted then this.status_sort end as furthest_sort,
        concat(
            string_agg('%<' || other.stage_key || '>', '' order by other.place, other.status_id) filter (
                where other.is_step and other.place < this.place
            ),
            '%<' || this.stage_key || '>'
        ) as strict_pattern
    from stages as this
    inner join stages as other on this.pipeline_key = other.pipeline_key
    group by
        this.user_account_id, this.stage_key, this.pipeline_key, this.is_qualified_stage, this.semantics,
        this.is_deleted, this.status_sort, this.is_success_stage, this.is_fail_stage

)

select * from final
