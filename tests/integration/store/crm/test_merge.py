"""The merge: only what differs is touched, nothing older wins, a narrowed selection keeps the rest."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.entities import LEAD, RowDecoder
from b24_pipeline.store.crm import merge
from b24_pipeline.store.crm.merge import Merged, Target
from b24_pipeline.store.database.copying import lines
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import account, execute, fetch

NOON = "2026-09-21T12:00:00+03:00"
ONE_O_CLOCK = "2026-09-21T13:00:00+03:00"


def lead(number: int, **fields: Any) -> dict[str, Any]:
    return {"ID": str(number), "DATE_CREATE": NOON, "DATE_MODIFY": NOON, **fields}


def put(
    warehouse: Warehouse,
    portal: UUID,
    *rows: dict[str, Any],
    selected: list[str] | None = None,
    time_zone: str = "Europe/Moscow",
    asked_at: datetime | None = None,
) -> Merged:
    """Merges rows as one page."""
    decoder = RowDecoder(LEAD, selected)
    target = Target("bitrix24_leads", portal, time_zone, keep_custom_fields=selected is not None)
    with warehouse.connect() as connection:
        merge.stage(
            connection,
            target,
            decoder.names,
            lines(target.account, decoder.rows([dict(row) for row in rows])),
        )
        return merge.merge(connection, target, decoder.names, asked_at)


def places(warehouse: Warehouse) -> dict[int, tuple[Any, ...]]:
    """Where each row lies, by id: it moves when it is touched."""
    found = fetch(warehouse, "select id, ctid, xmin::text, loaded_at from bitrix24_leads")
    return {row["id"]: tuple(row.values()) for row in found}


def one(warehouse: Warehouse, number: int) -> dict[str, Any]:
    return fetch(warehouse, "select * from bitrix24_leads where id = %s", number)[0]


def test_rows_that_are_the_same_are_not_touched(each_warehouse: Warehouse | None) -> None:
    """The count is the number of changes, and what did not change lies where it lay."""
    if each_warehouse is None:
        return
    portal = account(each_warehouse)
    rows = [
        lead(number, TITLE=f"lead {number}", UF_CRM_1=["a"], PHONE=[{"VALUE": "+1"}])
        for number in range(1, 6)
    ]
    assert put(each_warehouse, portal, *rows).rows_changed == 5
    before = places(each_warehouse)
    assert put(each_warehouse, portal, *rows) == Merged(0)
    assert places(each_warehouse) == before
    assert put(each_warehouse, portal, rows[0], rows[1] | {"TITLE": "new"}, lead(6)).rows_changed == 2
    after = places(each_warehouse)
    assert {number for number in before if before[number] != after[number]} == {2}


def test_change_in_custom_fields_or_extra_alone_counts(warehouse: Warehouse) -> None:
    """A value without a column of its own is a change too."""
    portal = account(warehouse)
    put(warehouse, portal, lead(1, UF_CRM_1="a", NEW=1))
    assert put(warehouse, portal, lead(1, UF_CRM_1="b", NEW=1)).rows_changed == 1
    assert put(warehouse, portal, lead(1, UF_CRM_1="b", NEW=2)).rows_changed == 1
    assert put(warehouse, portal, lead(1, UF_CRM_1="b", NEW=2)).rows_changed == 0


def test_older_answer_does_not_undo_a_newer_one(warehouse: Warehouse) -> None:
    """An answer that was under way for long must not win over a faster one."""
    portal = account(warehouse)
    put(warehouse, portal, lead(1, TITLE="new", DATE_MODIFY=ONE_O_CLOCK))
    assert put(warehouse, portal, lead(1, TITLE="old", DATE_MODIFY=NOON)).rows_changed == 0
    assert one(warehouse, 1)["title"] == "new"
    assert put(warehouse, portal, lead(1, TITLE="newer", DATE_MODIFY=ONE_O_CLOCK)).rows_changed == 1


def test_older_date_wins_only_if_it_was_asked_for_after_the_stored_row(
    each_warehouse: Warehouse | None,
) -> None:
    """The order of our reads decides: portals are restored from backups, and clocks are put right."""
    if each_warehouse is None:
        return
    portal = account(each_warehouse)
    put(each_warehouse, portal, lead(1, TITLE="stored", DATE_MODIFY=ONE_O_CLOCK))
    stored_at = one(each_warehouse, 1)["loaded_at"]
    older = lead(1, TITLE="read", DATE_MODIFY=NOON)
    for asked_at in (None, stored_at - timedelta(seconds=1), stored_at):
        assert put(each_warehouse, portal, older, asked_at=asked_at).rows_changed == 0
    later = stored_at + timedelta(microseconds=1)
    assert put(each_warehouse, portal, older, asked_at=later).rows_changed == 1
    assert one(each_warehouse, 1)["title"] == "read"


def test_tombstone_goes_where_the_row_was_seen_later(warehouse: Warehouse) -> None:
    """A row that came back from a backup has an older date and lives again."""
    portal = account(warehouse)
    put(warehouse, portal, lead(1, DATE_MODIFY=ONE_O_CLOCK))
    execute(warehouse, "update bitrix24_leads set deleted_at = now(), loaded_at = clock_timestamp()")
    buried_at = one(warehouse, 1)["loaded_at"]
    assert put(warehouse, portal, lead(1), asked_at=buried_at).rows_changed == 0
    assert put(warehouse, portal, lead(1), asked_at=buried_at + timedelta(seconds=1)).rows_changed == 1
    assert one(warehouse, 1)["deleted_at"] is None


def test_versions_before_merge_without_the_moment(warehouse: Warehouse) -> None:
    """The function that they call goes by the dates alone, as before."""
    portal = account(warehouse)
    put(warehouse, portal, lead(1, TITLE="stored", DATE_MODIFY=ONE_O_CLOCK))
    with warehouse.connect() as connection:
        connection.execute("create temporary table arriving (like bitrix24_leads)")
        connection.execute("insert into arriving select * from bitrix24_leads")
        connection.execute("update arriving set title = 'new', date_modify = date_modify - interval '1 day'")
        merge_rows = (
            "select rows_changed from b24_merge('bitrix24_leads', 'pg_temp.arriving', "
            "array['user_account_id', 'id', 'title', 'date_modify'], 'UTC', false)"
        )
        assert connection.execute(merge_rows).fetchone() == (0,)
        connection.execute("update arriving set date_modify = date_modify + interval '2 days'")
        assert connection.execute(merge_rows).fetchone() == (1,)


def test_narrowed_selection_keeps_what_was_not_asked_for(each_warehouse: Warehouse | None) -> None:
    """Other columns, other custom fields and other extras stay; what was asked for is replaced."""
    if each_warehouse is None:
        return
    portal = account(each_warehouse)
    full = lead(1, TITLE="a", NAME="Ann", UF_CRM_1="1", UF_CRM_2="2", NEW="n", PHONE=[{"VALUE": "+1"}])
    put(each_warehouse, portal, full)
    narrow = {"ID": "1", "TITLE": "b", "UF_CRM_1": "9"}
    selected = ["TITLE", "UF_CRM_1"]
    assert put(each_warehouse, portal, narrow, selected=selected).rows_changed == 1
    assert put(each_warehouse, portal, narrow, selected=selected).rows_changed == 0
    row = one(each_warehouse, 1)
    assert (row["title"], row["name"], row["extra"]) == ("b", "Ann", {"NEW": "n"})
    assert row["custom_fields"] == {"UF_CRM_1": "9", "UF_CRM_2": "2"}
    assert row["phones"] == [{"VALUE": "+1"}]
    put(each_warehouse, portal, {"ID": "1", "TITLE": "b"}, selected=selected)
    assert one(each_warehouse, 1)["custom_fields"] == {"UF_CRM_1": None, "UF_CRM_2": "2"}


def test_tombstone_is_lifted_when_the_row_is_read_again(warehouse: Warehouse) -> None:
    """A row that was restored lives again, even if nothing else has changed."""
    portal = account(warehouse)
    put(warehouse, portal, lead(1))
    execute(warehouse, "update bitrix24_leads set deleted_at = now()")
    assert put(warehouse, portal, lead(1)).rows_changed == 1
    assert one(warehouse, 1)["deleted_at"] is None


def test_two_portals_have_the_same_ids_side_by_side(warehouse: Warehouse) -> None:
    """Ids are unique within a portal only."""
    acme, other = account(warehouse), account(warehouse, "other")
    put(warehouse, acme, lead(1, TITLE="a"))
    assert put(warehouse, other, lead(1, TITLE="b")).rows_changed == 1
    found = fetch(warehouse, "select user_account_id, title from bitrix24_leads")
    assert {row["user_account_id"]: row["title"] for row in found} == {acme: "a", other: "b"}


def test_months_are_those_of_the_changed_rows_in_the_portal_s_zone(warehouse: Warehouse) -> None:
    """A row made on the last evening of a month belongs to the next one further east."""
    portal = account(warehouse)
    evening = lead(1) | {"DATE_CREATE": "2026-09-30T23:30:00+00:00"}
    assert put(warehouse, portal, evening, time_zone="Europe/Moscow").months == {date(2026, 10, 1)}
    assert put(warehouse, portal, evening, time_zone="Europe/Moscow").months == frozenset()
    changed = evening | {"TITLE": "x"}
    assert put(warehouse, portal, changed, time_zone="America/New_York").months == {date(2026, 9, 1)}
    assert put(warehouse, portal, {"ID": "2"}).months == frozenset()


def test_staged_rows_are_gone_after_each_page(warehouse: Warehouse) -> None:
    """A page without rows merges nothing of the page before."""
    portal = account(warehouse)
    put(warehouse, portal, lead(1))
    execute(warehouse, "delete from bitrix24_leads")
    assert put(warehouse, portal) == Merged(0)
    assert fetch(warehouse, "select id from bitrix24_leads") == []


def test_merge_ends_the_same_in_any_order(warehouse: Warehouse) -> None:
    """Answers may come late or twice: the newest state of each row is what stays."""
    portal = account(warehouse)
    versions = [lead(1, TITLE=f"v{n}", DATE_MODIFY=f"2026-09-21T12:00:0{n}+03:00") for n in range(5)]

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(st.permutations(versions), st.lists(st.sampled_from(versions), max_size=3))
    def ends_the_same(order: list[dict[str, Any]], repeated: list[dict[str, Any]]) -> None:
        execute(warehouse, "delete from bitrix24_leads")
        for version in [*order, *repeated]:
            put(warehouse, portal, version)
        assert one(warehouse, 1)["title"] == "v4"

    ends_the_same()


def insert(warehouse: Warehouse, portal: UUID, *rows: dict[str, Any], upto: int = 100) -> Merged | None:
    """Copies rows, all that the portal has up to an id, as a first load does."""
    decoder = RowDecoder(LEAD)
    target = Target("bitrix24_leads", portal, "Europe/Moscow")
    with warehouse.connect() as connection:
        return merge.insert(
            connection,
            target,
            decoder.names,
            lines(portal, decoder.rows([dict(row) for row in rows])),
            [IdRange(0, upto)],
        )


def test_a_first_load_needs_no_merge(each_warehouse: Warehouse | None) -> None:
    """Where a portal has no rows, a page is copied; texts, nulls and months are those of a merge."""
    if each_warehouse is None:
        return
    rows = [
        lead(number, TITLE="tab\tback\\slash\nline\r\\N", NAME="" if number % 2 else None)
        for number in (1, 2)
    ]
    copied, merged = account(each_warehouse), account(each_warehouse, "globex")
    put(each_warehouse, merged, *rows)
    assert insert(each_warehouse, copied, *rows) == Merged(2, frozenset({date(2026, 9, 1)}))
    stored: dict[UUID, list[dict[str, Any]]] = {copied: [], merged: []}
    for row in fetch(each_warehouse, "select * from bitrix24_leads order by id"):
        stored[row.pop("user_account_id")].append(row | {"loaded_at": None})
    assert stored[copied] == stored[merged]
    assert [row["title"] for row in stored[copied]] == [rows[0]["TITLE"]] * 2


def test_rows_that_are_there_are_not_copied_over(each_warehouse: Warehouse | None) -> None:
    """One row in the range, deleted or alive, and nothing is done; another portal's rows do not matter."""
    if each_warehouse is None:
        return
    portal, other = account(each_warehouse), account(each_warehouse, "globex")
    put(each_warehouse, other, lead(1))
    put(each_warehouse, portal, lead(7))
    execute(each_warehouse, "update bitrix24_leads set deleted_at = now() where id = 7")
    assert insert(each_warehouse, portal, lead(1), lead(2)) is None
    assert insert(each_warehouse, portal, lead(1), lead(2), upto=6) == Merged(
        2, frozenset({date(2026, 9, 1)})
    )


def test_a_row_that_came_meanwhile_is_no_failure(each_warehouse: Warehouse | None) -> None:
    """A row beyond what was looked at, as an event in the same moment would bring, sends the page to the merge."""
    if each_warehouse is None:
        return
    portal = account(each_warehouse)
    put(each_warehouse, portal, lead(9))
    assert insert(each_warehouse, portal, lead(1), lead(9), upto=5) is None
    assert put(each_warehouse, portal, lead(1), lead(9, TITLE="new")).rows_changed == 2
