-- name: sort_in_memory
-- Sets of a hundred thousand are sorted in memory, in this transaction alone.
set local work_mem = '64MB';
