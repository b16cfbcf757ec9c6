"""What was asked of the portal: one record a request, and sums."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

_KEPT = 100_000


@dataclass(frozen=True)
class RequestRecord:
    """One HTTP request; `time` in Unix seconds, `methods` are those of a batch's commands;
    `status` is 0 where the connection was cut without an answer."""

    time: float
    method: str
    commands: int
    rows: int
    status: int
    operating_seconds: float
    methods: tuple[str, ...] = ()


@dataclass
class Stats:
    """Sums since the start or the last reset; `rejected` are 503 of the request bucket."""

    requests: int = 0
    commands: int = 0
    rows: int = 0
    rejected: int = 0
    blocked: int = 0
    operating_seconds: dict[str, float] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    max_bucket_level: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The sums as JSON."""
        return asdict(self)


class Journal:
    """Records of requests; the oldest are dropped past a hundred thousand, the sums are not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Empties the journal."""
        with self._lock:
            self._records: list[RequestRecord] = []
            self._sums: Counter[str] = Counter()
            self._statuses: Counter[str] = Counter()

    def note(self, record: RequestRecord, *, rejected: bool = False) -> None:
        """Adds a request to the journal."""
        with self._lock:
            self._records.append(record)
            del self._records[:-_KEPT]
            self._sums.update(requests=1, commands=record.commands, rows=record.rows)
            self._sums.update(rejected=int(rejected), blocked=int(record.status == 429))
            self._statuses[str(record.status)] += 1

    def records(self) -> list[RequestRecord]:
        """The requests so far."""
        with self._lock:
            return list(self._records)

    def stats(self, operating_seconds: dict[str, float], max_bucket_level: float) -> Stats:
        """The sums, joined with what the limiters know."""
        with self._lock:
            sums = {
                name: self._sums[name] for name in ("requests", "commands", "rows", "rejected", "blocked")
            }
            return Stats(
                **sums,
                operating_seconds=dict(operating_seconds),
                statuses=dict(self._statuses),
                max_bucket_level=max_bucket_level,
            )
