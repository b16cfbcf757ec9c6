-- name: people(portal, entity_type, first_day, last_day, category_id)
-- What each responsible person has open, won and lost; who has won most comes first.
select
    assigned_by_id,
    owner_name,
    department_name,
    open,
    open_by_currency,
    won,
    lost,
    win_rate,
    won_by_currency,
    median_days_to_win
from analytics.people_of(:portal, :entity_type, :first_day, :last_day, :category_id);

-- name: open_ids(account, entity_type, category_id, person, most, skipped)
-- The ids of what a person has open now, the latest created first, with how many there are of all; person 0: of nobody.
-- The index of the stages where they stand has all of it.
select
    journey.entity_id,
    count(*) over () as of_all
from analytics_build.int_stage as stage
inner join analytics_build.int_journey as journey on stage.stage_key = journey.open_stage_key
where
    stage.user_account_id = :account
    and stage.entity_type = :entity_type
    and stage.category_id = :category_id
    and coalesce(journey.assigned_by_id, 0) = :person
order by journey.date_create desc nulls last, journey.entity_id desc
limit :most
offset :skipped;

-- name: closed_ids(account, entity_type, category_id, person, outcome, first_day, last_day, most, skipped)
-- The ids of what a person has won or lost in a period, in the same order, with how many there are of all.
select
    journey.entity_id,
    count(*) over () as of_all
from analytics_build.int_journey as journey
where
    journey.user_account_id = :account
    and journey.entity_type = :entity_type
    and journey.category_id = :category_id
    and journey.closed_on is not null
    and journey.outcome = :outcome
    and coalesce(journey.assigned_by_id, 0) = :person
    and (cast(:first_day as date) is null or journey.closed_on >= :first_day)
    and (cast(:last_day as date) is null or journey.closed_on <= :last_day)
order by journey.date_create desc nulls last, journey.entity_id desc
limit :most
offset :skipped;

-- name: owner_name(account, person)$
-- The name of a responsible person; null where nobody is known by this number.
select owner_name
from analytics_build.int_owner
where user_account_id = :account and owner_id = :person;
