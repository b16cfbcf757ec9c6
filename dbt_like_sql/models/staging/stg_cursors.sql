-- A plain select: PostgreSQL looks up a row by its key through it, and not through a view that begins with WITH.
select
    user_account_id,
    entity_type,
    watermark
from {{ source('log', 'cursors') }}
