"""Which stages one check compares row by row: those that were not compared for the longest time, a few rows a check.

Every stage is counted in every check. To compare rows costs the portal more, and finds only what leaves the counts as
they are, so it goes on by turns: all rows of a portal within a week where the operating time allows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.bitrix.usage import Usage
from b24_pipeline.store.checks.stages import Place, StoredStage

ROUND = timedelta(days=7)
"""In so much time all rows are compared, however many there are."""

FEW_ROWS = 150
"""A portal of so few rows is compared whole in each check."""

LEAST_ROWS = PAGE_ROWS
"""Rows that a check of a larger portal compares at least."""

MOST_ROWS = 1_000
"""Rows that a check compares at most."""

ASSUMED_SECONDS = 0.02
"""Operating seconds of one command where the portal told less: it leaves out what takes less than a tenth."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LargeTurn:
    """A large stage, and how many pages of it are read now."""

    stage: StoredStage
    pages: int


@dataclass(slots=True)
class Turns:
    """The stages whose turn it is: small ones, whose rows come with their count, and pages of large ones."""

    small: set[Place] = field(default_factory=set)
    large: list[LargeTurn] = field(default_factory=list)


def rows_of_check(
    stages: Sequence[StoredStage], now: datetime, usage: Usage, commands: int, check_seconds: float
) -> int:
    """How many rows a check compares by turns.

    As many as the time since the last check is of a round, as far as `check_seconds` of operating time allow beside
    the check's other `commands`, by what the commands of this sync have taken; one page at least.
    """
    last = max((stage.read_at for stage in stages if stage.read_at), default=now)
    whole = sum(stage.entities for stage in stages)
    paced = whole if whole <= FEW_ROWS else int(whole * ((now - last) / ROUND))
    each = max(usage.operating_seconds / max(usage.commands, 1), ASSUMED_SECONDS)
    affordable = max(int(check_seconds / each) - commands, 1) * PAGE_ROWS
    return min(max(paced, LEAST_ROWS), MOST_ROWS, affordable)


def room_beside(commands: int) -> int:
    """Pages that fit into the last request of so many commands; where none does, into a request of their own."""
    return MAX_COMMANDS - commands % MAX_COMMANDS


def turns_of(stages: Sequence[StoredStage], rows: int, pages: int = MAX_COMMANDS) -> Turns:
    """The stages whose turn it is, with about so many rows, and at most so many pages of large ones.

    A stage that could be read whole, and so be summed, is not begun if the room left is too small for it.
    """
    turns, room, whole = Turns(), rows, min(rows // PAGE_ROWS, pages)
    for stage in sorted(stages, key=lambda stage: stage.read_at or LONG_AGO):
        if stage.entities <= PAGE_ROWS:
            if 0 < stage.entities <= room:
                turns.small.add(stage.place)
                room -= stage.entities
            continue
        needed, left = stage.entities // PAGE_ROWS + 1, min(room // PAGE_ROWS, pages)
        if left and (needed <= left or needed > whole):
            turns.large.append(LargeTurn(stage, min(needed, left)))
            room -= min(needed, left) * PAGE_ROWS
            pages -= min(needed, left)
    return turns
