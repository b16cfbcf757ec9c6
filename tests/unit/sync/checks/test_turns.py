"""Which stages a check compares row by row: all in turn, at a pace that the operating time allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from b24_pipeline.bitrix.usage import Usage
from b24_pipeline.store.checks.stages import Place, StoredStage
from b24_pipeline.sync.checks.turns import (
    LEAST_ROWS,
    MOST_ROWS,
    ROUND,
    room_beside,
    rows_of_check,
    turns_of,
)

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def stage(status: str, entities: int, minutes_ago: int | None = None, read_upto: int = 0) -> StoredStage:
    read_at = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    return StoredStage(Place("deal", 0, status), entities, read_upto, read_at)


def chosen(stages: list[StoredStage], rows: int, pages: int = 50) -> tuple[set[str], dict[str, int]]:
    turns = turns_of(stages, rows, pages)
    return {place.status for place in turns.small}, {
        turn.stage.place.status: turn.pages for turn in turns.large
    }


def test_small_portal_is_compared_whole_each_time() -> None:
    """Its rows come with the counts; of an empty stage there are none."""
    stages = [stage("NEW", 50), stage("WON", 30), stage("LOSE", 0)]
    assert chosen(stages, rows_of_check(stages, NOW, Usage(), 30, 10.0)) == ({"NEW", "WON"}, {})


def test_longest_unread_comes_first() -> None:
    """One that was never read before all others."""
    stages = [stage("A", 40, 10), stage("B", 40, 30), stage("C", 40), stage("D", 40, 20)]
    assert chosen(stages, 90) == ({"C", "B"}, {})


def test_large_stage_is_read_by_parts_and_one_that_fits_as_a_whole() -> None:
    """A whole one can be summed, so it is not begun where the room left is too small for it."""
    assert chosen([stage("A", 9_000, 20), stage("B", 120, 10)], 150) == (set(), {"A": 3})
    assert chosen([stage("B", 120, 20), stage("A", 9_000, 10)], 150) == (set(), {"B": 3})
    assert chosen([stage("S", 40, 20), stage("B", 120, 10)], 150) == ({"S"}, {})
    assert chosen([stage("A", 9_000, 20)], 1_000, pages=7) == (set(), {"A": 7})


def test_each_row_has_its_turn() -> None:
    """Whatever the sizes of the stages are, a few checks compare all of them."""
    stages = {
        one.place: one for one in (stage(*each) for each in (("A", 700), ("B", 49), ("C", 51), ("D", 160)))
    }
    whole: set[str] = set()
    for number in range(20):
        turns = turns_of(list(stages.values()), 150)
        read = dict.fromkeys(turns.small, 0)
        for turn in turns.large:
            upto = turn.stage.read_upto + 50 * turn.pages
            read[turn.stage.place] = 0 if upto >= turn.stage.entities else upto
        for place, upto in read.items():
            stages[place] = replace(stages[place], read_upto=upto, read_at=NOW + timedelta(minutes=number))
            whole |= {place.status} if upto == 0 else set()
    assert whole == {"A", "B", "C", "D"}


@pytest.mark.parametrize(
    ("entities", "minutes_ago", "rows"),
    [(100_000, 0, LEAST_ROWS), (100_000, 30, 297), (1_000_000, 10, 992), (50_000_000, 10, MOST_ROWS)],
)
def test_pace_takes_a_week_for_all_rows(entities: int, minutes_ago: int, rows: int) -> None:
    """A check compares the part of them that the time since the last check is of a week."""
    assert timedelta(days=7) == ROUND
    stages = [stage("A", entities, minutes_ago), stage("B", 0)]
    assert rows_of_check(stages, NOW, Usage(), 30, 10.0) == rows


@pytest.mark.parametrize(
    ("operating", "seconds", "rows"),
    [
        (0.0, 10.0, 500),
        (20.0, 10.0, 500),
        (20.0, 8.0, 500),
        (20.0, 7.4, 350),
        (20.0, 3.0, 50),
        (100.0, 10.0, 50),
    ],
)
def test_operating_time_bounds_the_rows(operating: float, seconds: float, rows: int) -> None:
    """By what the commands of this sync have taken, the counts of the check first; one page in any case."""
    usage = Usage(commands=100, operating_seconds=operating)
    stages = [stage("A", 504_000, 10)]
    assert rows_of_check(stages, NOW, usage, 30, seconds) == rows


def test_room_is_what_the_counts_leave() -> None:
    """Or a request of its own where they fill theirs."""
    assert [room_beside(commands) for commands in (30, 49, 50, 51)] == [20, 1, 50, 49]
