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
