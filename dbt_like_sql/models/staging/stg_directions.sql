select
    user_account_id,
    id as direction_id,
    name as direction_name,
    bitrix24_entity_type as entity_type,
    key_stages,
    created_at
from {{ source('own', 'directions') }}
