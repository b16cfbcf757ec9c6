"""The offline queue of a portal: events that Bitrix24 keeps until we say that we have them.

Section 7.5 of the fact sheet. Rows are reserved, landed beside the events that
were posted, and cleared once they are committed; killed in between, the rows
stay reserved in the portal and the next one takes them from there. Only an
application may ask, and only on plans with `rest_offline_extended`: without it
reading is clearing, and a crash would lose what was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, decoding, rows_of
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.entities import CRM
from b24_pipeline.errors import ApiError, PortalError, UnreadableAnswer
from b24_pipeline.log import logger
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.sync.job import Job

EVENTS: Mapping[str, str] = {
    f"ONCRM{entity.name.upper()}{change}": entity.name
    for entity in CRM
    for change in ("ADD", "UPDATE", "DELETE")
} | {"ONCRMDEALMOVETOCATEGORY": "deal"}
"""What is queued for us, and the entity that it names."""

PAGES = 20
"""Reservations a request: each is of at most fifty rows, and others' calls come in between."""


_ID = re.compile("[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """A row of the queue as it lands. There is no token in it."""

    event: str
    member_id: str
    entity_type: str | None
    entity_id: int | None
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Queue:
    """What the portal says of its queue; `left`: reservations of a process that was killed."""

    is_offered: bool
    unbound: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    is_empty: bool = True


def take_offline(job: Job) -> int:
    """Lands what waits in the portal's offline queue; returns how many events.

    0 where the portal offers none, and where another process is at it. What the
    portal answers wrong is logged: a sync has worked without. Raises DatabaseError.
    """
    if job.portal.connected_by != "oauth":
        return 0
    with held(job.warehouse, f"{job.portal.id} offline events", wait_seconds=0) as got:
        if not got:
            return 0
        try:
            return _take(job)
        except PortalError as error:
            logger("offline").warning("not taken", portal=job.portal.name, error=str(error))
            return 0


def unbind_offline(client: BitrixClient) -> None:
    """Nothing is queued for us any more; what waits is dropped with the application's tokens."""
    client.batch(_bindings("event.unbind", EVENTS))


def _take(job: Job) -> int:
    queue = _look(job.client)
    if not queue.is_offered:
        return 0
    if queue.unbound:
        job.client.batch(_bindings("event.bind", queue.unbound))
    taken = _land(job, {process: {"process_id": process} for process in queue.left})
    if queue.is_empty:
        return taken
    while found := _land(job, {f"page {number}": {} for number in range(PAGES)}):
        taken += found
    return taken


def _look(client: BitrixClient) -> _Queue:
    """One request tells whether there is anything to do."""
    answer = client.batch(
        {
            "feature": Command("feature.get", {"CODE": "rest_offline_extended"}),
            "bindings": Command("event.get"),
            "rows": Command("event.offline.list", {"start": 0}),
        }
    )
    feature = {} if "feature" in answer.errors else answer.get("feature")
    if not isinstance(feature, Mapping) or feature.get("value") != "Y":
        return _Queue(is_offered=False)
    bound = {str(row.get("event")).upper() for row in _rows(client, answer, "bindings") if _is_offline(row)}
    rows = _rows(client, answer, "rows")
    left = dict.fromkeys(str(row["PROCESS_ID"]) for row in rows if row.get("PROCESS_ID"))
    return _Queue(
        is_offered=True,
        unbound=tuple(event for event in EVENTS if event not in bound),
        left=tuple(left),
        is_empty=all(row.get("PROCESS_ID") for row in rows),
    )


def _rows(client: BitrixClient, answer: BatchAnswer, key: str) -> list[dict[str, Any]]:
    try:
        return rows_of(answer.get(key))
    except ValueError:
        raise UnreadableAnswer(client.portal, f"{key} of events: expected a list") from None


def _is_offline(row: Mapping[str, Any]) -> bool:
    return str(row.get("offline") or "0") != "0"


def _bindings(method: str, events: Iterable[str]) -> dict[str, Command]:
    return {event: Command(method, {"event": event, "event_type": "offline"}) for event in events}


def _land(job: Job, reservations: Mapping[str, Mapping[str, Any]]) -> int:
    """Reads rows, reserving those that nobody has; clears them only after they are committed."""
    if not reservations:
        return 0
    commands = {
        key: Command("event.offline.get", {"clear": 0, "order": {"ID": "ASC"}, **params})
        for key, params in reservations.items()
    }
    answer = job.client.batch(commands)
    taken = [read for read in (_read(job, answer, key) for key in commands) if read[1]]
    events = [event for _, read in taken for event in read]
    Landing(job.warehouse).land([(job.portal.id, event) for event in events])
    _clear(job.client, [process for process, _ in taken])
    _raise_all(answer)
    return len(events)


def _read(job: Job, answer: BatchAnswer, key: str) -> tuple[str, list[QueuedEvent]]:
    """The reservation and its events; none where the command failed, for others may have worked."""
    if key in answer.errors:
        return "", []
    found = answer.get(key)
    if not isinstance(found, Mapping):
        raise UnreadableAnswer(job.portal.name, "event.offline.get: expected a reservation and its events")
    with decoding(job.portal.name, "event.offline.get"):
        events = [event_of(row, job.portal.member_id or "") for row in found.get("events") or []]
    return str(found.get("process_id") or ""), events


def event_of(row: Mapping[str, Any], member_id: str) -> QueuedEvent:
    """A row as it lands; one that names nothing known lands without an entity, and is ignored by the drain."""
    name = str(row.get("EVENT_NAME", "")).upper()
    known = name if name in EVENTS else "UNKNOWN"
    number = str(_mapping(_mapping(row.get("EVENT_DATA")).get("FIELDS")).get("ID") or "")
    queued = {key: _text(row.get(key)) for key in ("ID", "TIMESTAMP_X", "MESSAGE_ID")}
    entity_id = int(number) if _ID.fullmatch(number) else None
    return QueuedEvent(known, member_id, EVENTS.get(name), entity_id, {"event": known, "offline": queued})


def _mapping(value: Any) -> dict[str, Any]:
    """Objects in reality, `false` in the documentation's samples."""
    return dict(value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    """What PostgreSQL can store."""
    return str(value).encode("ascii", "replace").decode().replace("\0", "")[:64]


def _clear(client: BitrixClient, processes: Sequence[str]) -> None:
    commands = {
        process: Command("event.offline.clear", {"process_id": process}) for process in processes if process
    }
    if commands:
        _raise_all(client.batch(commands))


def _raise_all(answer: BatchAnswer) -> None:
    error: ApiError | None = next(iter(answer.errors.values()), None)
    if error:
        raise error
