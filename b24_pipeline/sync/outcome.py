"""What a sync of one entity did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from b24_pipeline.errors import B24Error


@dataclass(slots=True)
class Outcome:
    """The figures of one sync of one entity. `error` is None where it worked; `question` is what a person
    has to decide before the rest can be done.

    `months` are the months of creation of the rows changed (portal's zone). Of a
    reconciliation, `missing` are rows of the portal that were not here, and
    `outdated` those that differed; rows that are gone there are `rows_deleted`.
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
    requests: int = 0
    operating_seconds: float = 0.0
    seconds: float = 0.0
    watermark: datetime | None = None
    months: set[date] = field(default_factory=set)
    error: B24Error | None = None
    question: B24Error | None = None
    resumed: bool = False  # it went on where a killed one was

    def figures(self) -> dict[str, Any]:
        """What the sync log keeps of it, by column."""
        return {
            "rows_read": self.rows_read,
            "rows_changed": self.rows_changed,
            "rows_deleted": self.rows_deleted,
            "values_set_aside": self.values_set_aside,
            "requests": self.requests,
            "operating_seconds": self.operating_seconds,
        }

    @property
    def worked(self) -> bool:
        """Whether it ended without an error."""
        return self.error is None
