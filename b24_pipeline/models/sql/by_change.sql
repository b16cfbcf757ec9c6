-- name: one_moment
-- Everything that a build by change reads is of one moment, whatever is committed meanwhile.
set local transaction_isolation = 'repeatable read';

-- name: create_written
-- The rows of a model as they should be: those that are computed anew, for this transaction only.
create temporary table {{ new_rows }} on commit drop as {{ query }};

-- name: create_replaced_of_keys
-- The old rows of the keys that are computed anew. The offset makes the planner look up each key.
create temporary table {{ old_rows }} on commit drop as
select old.*
from (select distinct {{ key }} from {{ keys }}) as touched
cross join lateral (
    select stored.*
    from {{ relation }} as stored
    where ({{ stored_key }}) = ({{ touched_key }})
    offset 0  -- noqa: AM09
) as old;

-- name: create_replaced_of_portals
-- The old rows of the portals that are computed anew.
create temporary table {{ old_rows }} on commit drop as
select stored.*
from {{ relation }} as stored
where stored.portal in (select portal from {{ portals }});

-- name: create_replaced_of_portals_and_keys
-- The old rows of the portals, and those of the keys of others, that are computed anew.
create temporary table {{ old_rows }} on commit drop as
select stored.*
from {{ relation }} as stored
where stored.portal in (select portal from {{ portals }})
union all
select old.*
from (select distinct {{ key }} from {{ new_rows }}) as touched
cross join lateral (
    select stored.*
    from {{ relation }} as stored
    where ({{ stored_key }}) = ({{ touched_key }})
    offset 0  -- noqa: AM09
) as old
where old.portal not in (select portal from {{ portals }});

-- name: create_replaced_of_all
-- All old rows, of a model that is computed whole.
create temporary table {{ old_rows }} on commit drop as
select stored.*
from {{ relation }} as stored;

-- name: know_rows
-- What follows is planned by how many rows there are.
analyze {{ rows_of_model }};

-- name: forget_equal
-- A row that is as it was is neither replaced nor written.
with equal as (
    delete from {{ new_rows }} as new
    using {{ old_rows }} as old
    where ({{ new_key }}) = ({{ old_key }}) and record_image_eq(new, old)
    returning old.ctid as place
)

delete from {{ old_rows }} as old
using equal
where old.ctid = equal.place;

-- name: forget_empty
-- Rows that count nothing any more.
delete from {{ new_rows }} as new
where {{ empty_when }};

-- name: look_up
-- Few rows of a large table are meant, whatever the planner believes of it.
set local enable_seqscan = off;
set local enable_hashjoin = off;
set local enable_mergejoin = off;

-- name: plan_freely
-- As before.
set local enable_seqscan = on;
set local enable_hashjoin = on;
set local enable_mergejoin = on;

-- name: delete_replaced
-- The old rows make room.
delete from {{ relation }} as stored
using {{ old_rows }} as old
where ({{ stored_key }}) = ({{ old_key }}) and record_image_eq(stored, old);

-- name: insert_written
-- The new rows.
insert into {{ relation }}
select *
from {{ new_rows }};

-- name: create_empty
-- No rows, in the columns of the model.
create temporary table {{ rows_of_model }} on commit drop as
select * from {{ relation }}
where false;

-- name: rows_of_keys
-- All rows of a model whose key is that of a row that was written.
select *
from {{ relation }}
where ({{ key }}) in (select {{ key }} from {{ new_rows }});

-- name: differences
-- The rows of a model before a build and after it, to be taken away and to be added.
select
    old_rows.*,
    -1 as times
from {{ old_rows }} as old_rows
union all
select
    new_rows.*,
    1 as times
from {{ new_rows }} as new_rows;
