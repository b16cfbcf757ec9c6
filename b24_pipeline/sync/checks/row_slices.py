"""Slices of an entity's rows that can be counted on both sides: by id, or by the second of modification.

`ID` and `DATE_MODIFY` name the axes; how the portal spells them for an entity is in its description.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS, IdRange
from b24_pipeline.entities import Entity

ID = "ID"
MODIFIED = "DATE_MODIFY"


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows from `start` up to but not including `end` on one axis: ids, or seconds since 1970 (UTC).

    None leaves that end open.
    """

    axis: str
    start: int | None = None
    end: int | None = None

    def conditions(self, entity: Entity) -> Mapping[str, Any]:
        """The REST filter that selects the rows of this slice, as this entity spells it."""
        field = entity.id_field if self.axis == ID else entity.modified
        ends = {f">={field}": self.start, f"<{field}": self.end}
        return {key: self._filter_value(place) for key, place in ends.items() if place is not None}

    def _filter_value(self, place: int) -> int | str:
        return place if self.axis == ID else datetime.fromtimestamp(place, UTC).isoformat()

    @property
    def ids(self) -> IdRange:
        """The ids of this slice as a range (after, upto]; all ids if the slice is one of modification times."""
        if self.axis != ID:
            return IdRange(0, None)
        return IdRange((self.start or 1) - 1, None if self.end is None else self.end - 1)

    def cut(self, bounds: Sequence[int]) -> list[Slice]:
        """Cuts the slice at those bounds that lie inside it; a slice with none inside stays whole."""
        inside = [
            place
            for place in bounds
            if (self.start is None or place > self.start) and (self.end is None or place < self.end)
        ]
        ends = [self.start, *inside, self.end]
        return [Slice(self.axis, start, end) for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class SliceCounts:
    """How many rows a slice has in the portal and in our copy."""

    slice: Slice
    in_portal: int
    in_copy: int

    @property
    def differs(self) -> bool:
        """Whether the counts differ: a row is missing on one side, or lies in another slice there."""
        return self.in_portal != self.in_copy

    @property
    def pages(self) -> int:
        """Pages that it takes to read the slice from the portal."""
        return self.in_portal // PAGE_ROWS + 1


def slice_ends(slices: Sequence[Slice]) -> list[int]:
    """The distinct starts and ends of the slices, in ascending order."""
    return sorted({place for part in slices for place in (part.start, part.end) if place is not None})


def slice_numbers(slices: Sequence[Slice], places: Sequence[int]) -> list[int]:
    """The number of each slice among the parts that these sorted ends make: part 0 lies below the first end."""
    return [0 if part.start is None else places.index(part.start) + 1 for part in slices]
