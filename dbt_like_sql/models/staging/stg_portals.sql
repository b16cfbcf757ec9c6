select
    id as user_account_id,
    name as portal,
    bitrix24_time_zone as time_zone
from {{ source('raw', 'portals') }}
