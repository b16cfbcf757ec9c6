"""What a sync may be told beyond its portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

Progress = Callable[[str, str, int], None]
"""Called with the portal's name, the entity, and the rows stored since the last call."""


def no_progress(_portal: str, _entity: str, _rows: int) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to read: the same for all portals of one run.

    `lag`: how far an incremental sync goes back behind its watermark.
    `concurrency`: batches in flight a portal. `select`: entity -> fields, where
    not all are wanted. `lock_wait_seconds`: patience with another process that
    syncs the same entity.
    """

    lag: timedelta = timedelta(seconds=300)
    concurrency: int = 8
    select: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lock_wait_seconds: int = 600
    accept_deletions: bool = False
    run_id: str | None = None
    progress: Progress = no_progress
