"""The offline queue: a list of what is dirty, reserved and cleared by its reader.

docs/bitrix24-rest.md, section 7.5.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from b24_pipeline.sandbox.clock import moment_text


@dataclass
class OfflineEvent:
    """One row; `process_id` is empty until it is reserved."""

    id: int
    timestamp: int
    event: str
    data: dict[str, Any]
    user_id: int
    message_id: str
    connector: str
    process_id: str = ""
    error: bool = False

    def rendered(self) -> dict[str, Any]:
        """The entry of `event.offline.get`."""
        return {
            "ID": str(self.id),
            "TIMESTAMP_X": moment_text(self.timestamp),
            "EVENT_NAME": self.event,
            "EVENT_DATA": self.data,
            "EVENT_ADDITIONAL": {"user_id": str(self.user_id)},
            "MESSAGE_ID": self.message_id,
        }

    def listed(self) -> dict[str, Any]:
        """The entry of `event.offline.list`."""
        return self.rendered() | {"PROCESS_ID": self.process_id, "ERROR": "1" if self.error else "0"}


class OfflineQueue:
    """Whoever reads or changes it holds the portal's lock."""

    def __init__(self) -> None:
        self._rows: list[OfflineEvent] = []
        self._last_id = 0

    def put(self, event: str, data: dict[str, Any], user_id: int, connector: str, now: int) -> None:
        """Queue an event; one that waits unreserved gets its time instead of a second row."""
        message_id = hashlib.md5(event.encode() + orjson.dumps(data), usedforsecurity=False).hexdigest()
        for row in self._rows:
            if (row.message_id, row.connector, row.process_id) == (message_id, connector, ""):
                row.timestamp, row.user_id = now, user_id
                return
        self._last_id += 1
        self._rows.append(OfflineEvent(self._last_id, now, event, data, user_id, message_id, connector))

    def rows(self) -> list[OfflineEvent]:
        """Every row, reserved ones included, by id."""
        return list(self._rows)

    def waiting(self, connector: str) -> list[OfflineEvent]:
        """Rows of a connector that nobody reserved."""
        return [row for row in self._rows if not row.process_id and row.connector == connector]

    def reserved(self, process_id: str, *, errors: bool) -> list[OfflineEvent]:
        """Rows that a process reserved: those it failed with, or the others."""
        return [row for row in self._rows if row.process_id == process_id and row.error == errors]

    def reserve(self, rows: Sequence[OfflineEvent]) -> str:
        """Give rows to a new process; its id of 32 characters."""
        process_id = secrets.token_hex(16)
        for row in rows:
            row.process_id = process_id
        return process_id

    def drop(self, rows: Iterable[OfflineEvent]) -> None:
        """Deletes these rows of the queue."""
        gone = {row.id for row in rows}
        self._rows = [row for row in self._rows if row.id not in gone]

    def clear(self, process_id: str, wanted: Callable[[OfflineEvent], bool]) -> None:
        """Deletes the rows that a process has reserved."""
        self.drop([row for row in self._rows if row.process_id == process_id and wanted(row)])

    def fail(self, process_id: str, message_ids: set[str]) -> None:
        """Mark what a process could not handle."""
        for row in self._rows:
            if row.process_id == process_id and row.message_id in message_ids:
                row.error = True
