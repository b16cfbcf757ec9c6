"""Options of a sync: how it reads, and whom it reports its progress to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

Progress = Callable[[str, str, int], None]
"""A function that is called with the portal's name, the entity, and the number of rows stored since the last call."""


def no_progress(_portal: str, _entity: str, _rows: int) -> None:
    """Reports no progress."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to sync, the same for all portals of one run.

    `lag`: how far back before its watermark an incremental sync begins. `concurrency`: batches in flight for each
    portal. `select`: the fields of an entity, where not all are wanted. `lock_wait_seconds`: how long to wait for
    another process that syncs the same entity. `check_seconds`: operating seconds that one check of stages may take
    of the portal; it counts in any case. `accept_deletions`: mark rows as deleted however many vanished.
    """

    lag: timedelta = timedelta(seconds=300)
    concurrency: int = 8
    select: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lock_wait_seconds: int = 600
    check_seconds: float = 10.0
    accept_deletions: bool = False
    run_id: str | None = None
    progress: Progress = no_progress
