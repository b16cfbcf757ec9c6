"""Rows of the portal's status history into moves."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.entities import DEAL_HISTORY, LEAD_HISTORY
from b24_pipeline.entities.moves import MoveDecoder, MoveRow

MOVE: dict[str, Any] = {
    "ID": "9001",
    "TYPE_ID": "2",
    "OWNER_ID": "31",
    "CREATED_TIME": "2026-09-01T11:25:10+03:00",
    "CATEGORY_ID": "4",
    "STAGE_ID": "C4:NEW",
}
MOVED = ("9001", "31", "2", "4", "C4:NEW", "2026-09-01T11:25:10+03:00")


def decoded(*rows: dict[str, Any]) -> list[MoveRow]:
    return MoveDecoder(DEAL_HISTORY).rows(rows)


def test_move_is_read_from_texts_and_from_numbers() -> None:
    """Recorded answers have texts, the documentation has numbers."""
    numbers = MOVE | {"ID": 9001, "TYPE_ID": 2, "OWNER_ID": 31, "CATEGORY_ID": 4}
    assert decoded(MOVE) == decoded(numbers) == [MOVED]


def test_move_of_a_lead_has_pipeline_0() -> None:
    """Leads have a status; one whose code is a number is a code all the same."""
    row = {key: MOVE[key] for key in ("ID", "OWNER_ID", "CREATED_TIME")} | {"STATUS_ID": 1, "TYPE_ID": None}
    assert MoveDecoder(LEAD_HISTORY).rows([row]) == [("9001", "31", None, "0", "1", MOVED[5])]


BROKEN: list[dict[str, Any]] = [
    {"ID": None},
    {"ID": str(2**64)},
    {"OWNER_ID": ""},
    {"STAGE_ID": ""},
    {"STAGE_ID": "a\x00"},
    {"STAGE_ID": None},
    {"STAGE_ID": ["NEW"]},
    {"CREATED_TIME": "2026-09-01T11:25:10"},
    {"CREATED_TIME": "0000-00-00"},
    {"CREATED_TIME": None},
    {"CREATED_TIME": "9999-12-31T23:59:59-03:00"},
    {"OWNER_ID": "x"},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_move_that_names_no_entity_stage_or_time_is_left_out(broken: dict[str, Any]) -> None:
    """It is left out, and the others of its page are stored."""
    assert decoded(MOVE | broken) == []
    assert decoded(MOVE, MOVE | broken, MOVE | {"ID": "9002"}) == [MOVED, ("9002", *MOVED[1:])]


@pytest.mark.parametrize("given", ["absent", None, "", "x", [], str(2**70)])
@pytest.mark.parametrize(
    ("code", "pipeline"),
    [
        ("C7:NEW", "7"),
        ("C7:UC_1:2", "7"),
        ("NEW", "0"),
        ("UC_ABC", "0"),
        ("17", "0"),
        ("DT128_3:NEW", None),
        ("C:NEW", None),
        ("C7:", None),
        ("C99999999999999999999:NEW", None),
    ],
)
def test_move_without_a_pipeline_takes_it_from_the_code_of_its_stage(
    given: Any, code: str, pipeline: str | None
) -> None:
    """The move is never lost; a code of another form leaves its pipeline unknown. Others keep what they say."""
    row = MOVE | {"STAGE_ID": code, "CATEGORY_ID": given}
    if given == "absent":
        del row["CATEGORY_ID"]
    assert decoded(row, MOVE) == [("9001", "31", "2", pipeline, code, MOVED[5]), MOVED]


@pytest.mark.parametrize("kind", ["99999", "-32769", "x", None, []])
def test_unknown_kind_of_move_is_kept_without_its_number(kind: Any) -> None:
    """A move whose type the table cannot hold is stored without the type."""
    assert [row[2] for row in decoded(MOVE | {"TYPE_ID": kind}, MOVE)] == [None, "2"]


def test_page_is_decoded_as_its_rows_one_by_one_are() -> None:
    """An unusual value changes nothing in the rows beside it."""
    odd: list[dict[str, Any]] = [
        {"ID": 5},
        {"TYPE_ID": 99999},
        {"CATEGORY_ID": False},
        {"CREATED_TIME": "2026-09-01T08:25:10Z"},
    ]
    rows = [MOVE | own for own in (*BROKEN, *odd, {"STAGE_ID": "ПРОЕКТ"}, {})]
    assert decoded(*rows) == [move for row in rows for move in decoded(row)]
    assert len(decoded(*rows)) == len(rows) - len(BROKEN)
