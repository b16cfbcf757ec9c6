-- Nobody is in a stage without having reached it, nor reaches one without entering its pipeline, nor
-- counts as qualified there without having reached it.
select *
from {{ ref('funnel_stats') }}
where
    in_stage > reached
    or reached > reached_implied
    or reached_implied > entered
    or qualified > reached
    or conversion_from_start > 1
