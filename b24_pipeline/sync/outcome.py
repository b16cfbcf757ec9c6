"""The outcome of a sync of one entity."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from b24_pipeline.entities import BY_NAME, RowDecoder
from b24_pipeline.errors import B24Error

_MOVES = "_history"


def left_out_because(entity: str) -> str:
    """Why rows of this entity of the sync log cannot be stored, for a message."""
    if entity.endswith(_MOVES):
        moved = "a lead or deal" if entity.removesuffix(_MOVES) in BY_NAME else "an item"
        return f"a move needs {moved}, a stage and a time"
    return "each needs an id that is a number of at most 64 bits, an entry of a directory its code"


@dataclass(slots=True)
class Outcome:
    """The outcome of one sync of one entity, in numbers of rows.

    `rows_deleted` are rows that are gone from the portal. In a reconciliation `missing` are rows of the portal that
    our copy did not have, and `outdated` those that differed. `values_set_aside` could not be stored as they came;
    `rows_left_out` were sent and could not be stored at all. `months` are the months of creation of the changed
    rows (portal's zone). `error` is None if it worked; `question` is what a person has to decide before the rest can
    be done. `resumed`: it went on with a load that was killed. `proved`: the days of creation, in the portal's zone,
    whose rows are all as in the portal since then: the first, and the day after the last.
    """

    portal: str
    entity: str
    sync_type: str
    rows_read: int = 0
    rows_changed: int = 0
    rows_deleted: int = 0
    missing: int = 0
    outdated: int = 0
    values_set_aside: int = 0
    rows_left_out: int = 0
    requests: int = 0
    operating_seconds: float = 0.0
    seconds: float = 0.0
    watermark: datetime | None = None
    months: set[date] = field(default_factory=set)
    error: B24Error | None = None
    question: B24Error | None = None
    resumed: bool = False
    proved: tuple[date, date] | None = None

    def figures(self) -> dict[str, Any]:
        """The figures that the sync log stores, by the names of its columns."""
        return {
            "rows_read": self.rows_read,
            "rows_changed": self.rows_changed,
            "rows_deleted": self.rows_deleted,
            "values_set_aside": self.values_set_aside,
            "rows_left_out": self.rows_left_out,
            "requests": self.requests,
            "operating_seconds": self.operating_seconds,
        }

    def take_decoded(self, decoder: RowDecoder) -> None:
        """Takes over what the decoder of this entity has set aside and left out so far."""
        self.values_set_aside, self.rows_left_out = decoder.set_aside, decoder.left_out

    @property
    def worked(self) -> bool:
        """Whether the sync ended without an error."""
        return self.error is None
