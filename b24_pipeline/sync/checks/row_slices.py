"""Slices of an entity's rows that can be counted on both sides: by id, or by the second of modification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from b24_pipeline.bitrix.lists.ranges import IdRange

ID = "ID"
MODIFIED = "DATE_MODIFY"


@dataclass(frozen=True, slots=True)
class Slice:
    """Places from `start` to before `end` on one axis: ids, or seconds since 1970. None: that end is open."""

    axis: str
    start: int | None = None
    end: int | None = None

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The REST filter of its rows."""
        ends = {f">={self.axis}": self.start, f"<{self.axis}": self.end}
        return {key: self._filter_value(place) for key, place in ends.items() if place is not None}

    def _filter_value(self, place: int) -> int | str:
        return place if self.axis == ID else datetime.fromtimestamp(place, UTC).isoformat()

    @property
    def ids(self) -> IdRange:
        """Its ids, (after, upto]; all of them on the other axis."""
        if self.axis != ID:
            return IdRange(0, None)
        return IdRange((self.start or 1) - 1, None if self.end is None else self.end - 1)

    def cut(self, bounds: Sequence[int]) -> list[Slice]:
        """Its parts between these places; itself where none lies inside."""
        inside = [
            place
            for place in bounds
            if (self.start is None or place > self.start) and (self.end is None or place < self.end)
        ]
        ends = [self.start, *inside, self.end]
        return [Slice(self.axis, start, end) for start, end in pairwise(ends)]


def thresholds(slices: Sequence[Slice]) -> list[int]:
    """All their ends in order."""
    return sorted({place for one in slices for place in (one.start, one.end) if place is not None})


def numbers(slices: Sequence[Slice], places: Sequence[int]) -> list[int]:
    """Each one's number among the slices between those places: 0 below the first of them."""
    return [0 if one.start is None else places.index(one.start) + 1 for one in slices]
