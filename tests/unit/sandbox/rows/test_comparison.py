"""The prefix table of filters, on every sort of column."""

from __future__ import annotations

import numpy as np
import pytest

from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.codecs import Cents, DayCodec, Moment, Whole, php_int
from b24_pipeline.sandbox.rows.columns import Coded, Numbers
from b24_pipeline.sandbox.rows.comparison import parse_condition
from b24_pipeline.sandbox.rows.table import Table

TITLES = ["Окна", "окна ПВХ", "Потолок", None, ""]


@pytest.fixture
def table() -> Table:
    """Five rows with ids 2, 3, 5, 8, 13."""
    ids = np.array([2, 3, 5, 8, 13])
    return Table(
        ids,
        {
            "ID": Numbers(ids, Whole()),
            "TITLE": Coded(np.arange(5), list(TITLES)),
            "TAGS": Coded(np.array([0, 1, 2, 2, 2]), [["61", "62"], ["62"], False]),
            "LEAD_ID": Numbers(np.array([7, NOTHING, 9, 7, NOTHING]), Whole()),
            "OPPORTUNITY": Numbers(np.array([100, 250, 99, 0, 10**9]), Cents()),
            "DATE_MODIFY": Numbers(np.array([0, 60, 120, 180, 240]) + 1_790_000_000, Moment()),
            "CLOSEDATE": Numbers(np.array([20_000, 20_001, 20_002, NOTHING, 20_003]), DayCodec("")),
        },
    )


def found(table: Table, key: str, value: object) -> list[int]:
    """Ids that fulfil one condition."""
    return list(map(int, table.ids[table.matching([parse_condition(key, value)])]))


@pytest.mark.parametrize(
    ("key", "value", "ids"),
    [
        ("ID", "5", [5]),
        ("=ID", 5, [5]),
        ("ID", ["3", "8", "99"], [3, 8]),
        ("@ID", {"0": 3, "1": 8}, [3, 8]),
        ("!@ID", [2, 3], [5, 8, 13]),
        ("!ID", 2, [3, 5, 8, 13]),
        ("!=ID", 2, [3, 5, 8, 13]),
        (">ID", "5", [8, 13]),
        (">ID", "4", [5, 8, 13]),
        (">=ID", "5", [5, 8, 13]),
        ("<ID", "5", [2, 3]),
        ("<=ID", "5", [2, 3, 5]),
        (">ID", [{"ID": "8"}], [2, 3, 5, 8, 13]),
        (">ID", [], [2, 3, 5, 8, 13]),
        ("LEAD_ID", "7", [2, 8]),
        ("LEAD_ID", "", [3, 13]),
        ("!LEAD_ID", "7", [3, 5, 13]),
        ("<LEAD_ID", "9", [2, 8]),
        ("%TITLE", "окна", [2, 3]),
        ("=%TITLE", "окна%", [2, 3]),
        ("%=TITLE", "%пвх", [3]),
        ("!%TITLE", "окна", [5, 8, 13]),
        ("!=%TITLE", "окна%", [5, 8, 13]),
        ("!%=TITLE", "%ПВХ", [2, 5, 8, 13]),
        ("TITLE", "потолок", [5]),
        ("TITLE", "", [8, 13]),
        ("!TITLE", "", [2, 3, 5]),
        ("@TITLE", ["Окна", "Потолок"], [2, 5]),
        ("TAGS", "62", [2, 3]),
        (">OPPORTUNITY", "1.00", [3, 13]),
        (">=OPPORTUNITY", "1", [2, 3, 13]),
        (">=DATE_MODIFY", "2026-09-21T17:14:20+03:00", [3, 5, 8, 13]),
        (">DATE_MODIFY", "2026-09-21T14:14:20+00:00", [5, 8, 13]),
        ("<DATE_MODIFY", "2026-09-21T17:14:20", [2]),
        (">=CLOSEDATE", "2024-10-05T23:59:59+03:00", [3, 5, 13]),
    ],
)
def test_each_prefix_selects_its_rows(table: Table, key: str, value: object, ids: list[int]) -> None:
    """Every prefix of docs/bitrix24-rest.md's table, on ids, links, texts, money and times."""
    assert found(table, key, value) == ids


def test_bounds_on_the_id_are_joined(table: Table) -> None:
    """A range is the rows between its two bounds."""
    conditions = [parse_condition(">ID", 2), parse_condition("<=ID", 8), parse_condition("!LEAD_ID", 9)]
    assert table.ids[table.matching(conditions)].tolist() == [3, 8]


def test_deleted_rows_match_nothing(table: Table) -> None:
    """A deleted row is neither found by id nor by anything else, and its id is gone."""
    table.delete([2])
    assert found(table, "ID", 5) == []
    assert found(table, ">ID", 3) == [8, 13]
    assert table.row_of(5) is None


def test_a_changed_row_is_found_by_its_new_value(table: Table) -> None:
    """Cached answers do not outlive a change."""
    assert found(table, "LEAD_ID", 7) == [2, 8]
    table.write(1, {"LEAD_ID": "7"})
    assert found(table, "LEAD_ID", 7) == [2, 3, 8]


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ([("ID", True)], [2, 3, 5, 8, 13]),
        ([("ID", False)], [13, 8, 5, 3, 2]),
        ([("OPPORTUNITY", True)], [8, 5, 2, 3, 13]),
        ([("LEAD_ID", False), ("ID", False)], [5, 8, 2, 13, 3]),
        ([("TITLE", True)], [8, 13, 2, 3, 5]),
    ],
)
def test_rows_sort_by_fields_then_by_id(table: Table, order: list[tuple[str, bool]], ids: list[int]) -> None:
    """Empty values come first, ties are broken by id."""
    assert table.ids[table.ordered(table.alive_rows(), order)].tolist() == ids


@pytest.mark.parametrize(
    ("value", "number"),
    [("12abc", 12), ("abc", 0), ("-3", -3), (True, 1), ([], 0), ([5], 1), ("", 0), (4.9, 4)],
)
def test_the_cast_to_int_is_phps(value: object, number: int) -> None:
    """Leading digits count, arrays are 1 or 0."""
    assert php_int(value) == number
