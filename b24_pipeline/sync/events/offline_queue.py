"""Lands the events of a portal's offline queue, where Bitrix24 keeps them until we clear them.

The queue is described in docs/bitrix24-rest.md, section 7.5. Rows are reserved, landed
beside the events that were posted, and cleared once they are committed. If the process is
killed in between, the rows stay reserved in the portal, and the next process lands them.
Only an application may ask, and only on plans with `rest_offline_extended`: without it
reading clears the rows, so a crash would lose them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, decoding, rows_of
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.bitrix.events.inbound import entity_type_of
from b24_pipeline.entities import CRM, INVOICE, QUOTE
from b24_pipeline.errors import ApiError, PortalError, UnreadableAnswer
from b24_pipeline.log import logger
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.events.landing import Landing, QueuedChange, known_changes
from b24_pipeline.sync.crm.chosen_entities import all_entities
from b24_pipeline.sync.job import Job

QUEUED_EVENTS: tuple[str, ...] = tuple(event for entity in CRM for event in entity.events.objects)
"""The events that every portal is to queue."""

EVENTS_OF_CHOSEN: tuple[str, ...] = (*INVOICE.events.objects, *QUOTE.events.objects)
"""Those that it is to queue as well where such entities were chosen."""

PAGES = 20
"""Reservations in one request; each takes at most fifty rows."""


_ID = re.compile("[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event of the queue as it lands; it has no token."""

    event: str
    member_id: str
    entity_type: str | None
    entity_id: int | None
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Queue:
    """The state of a portal's queue.

    `unbound`: events that are not queued yet. `left`: reservations of a process that was killed.
    """

    is_offered: bool
    unbound: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    is_empty: bool = True


def land_queued_events(job: Job) -> int:
    """Lands the events that wait in the portal's offline queue; returns how many.

    Returns 0 where the portal offers no queue, and where another process is landing it. An error of the portal is
    logged and not raised, because a sync works without the queue. Raises DatabaseError.
    """
    if job.portal.connected_by != "oauth":
        return 0
    with held(job.warehouse, f"{job.portal.id} offline events", wait_seconds=0) as got:
        if not got:
            return 0
        try:
            return _land_all(job)
        except PortalError as error:
            logger("offline").warning("not taken", portal=job.portal.name, error=str(error))
            return 0


def unbind_queued_events(client: BitrixClient) -> None:
    """Makes the portal queue no more events for us; queued ones are lost with the application's tokens."""
    client.batch(_bindings("event.unbind", (*QUEUED_EVENTS, *EVENTS_OF_CHOSEN)))


def _land_all(job: Job) -> int:
    wanted = dict.fromkeys(event for entity in all_entities(job) for event in entity.events.objects)
    queue = _look_at_queue(job.client, tuple(wanted))
    if not queue.is_offered:
        return 0
    if queue.unbound:
        job.client.batch(_bindings("event.bind", queue.unbound))
    _, landed = _land(job, {process: {"process_id": process} for process in queue.left})
    if queue.is_empty:
        return landed
    pages = {f"page {number}": dict[str, Any]() for number in range(PAGES)}
    taken = 1
    while taken:
        taken, more = _land(job, pages)
        landed += more
    return landed


def _look_at_queue(client: BitrixClient, wanted: Sequence[str]) -> _Queue:
    """Asks in one request whether the portal offers the queue, what is bound, and whether events wait."""
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
        unbound=tuple(event for event in wanted if event not in bound),
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


def _land(job: Job, reservations: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
    """Reads and reserves rows, lands what is not known yet, and clears all once it is committed.

    Returns how many rows there were, and how many have landed.
    """
    if not reservations:
        return 0, 0
    commands = {
        key: Command("event.offline.get", {"clear": 0, "order": {"ID": "ASC"}, **params})
        for key, params in reservations.items()
    }
    answer = job.client.batch(commands)
    reserved = [_read_reservation(job, answer, key) for key in commands]
    taken = [(process, events) for process, events in reserved if events]
    came = [event for _, events in taken for event in events]
    landed = _unknown(job, came)
    Landing(job.warehouse).land([(job.portal.id, event) for event in landed])
    _clear_reservations(job.client, [process for process, _ in taken])
    _raise_first(answer)
    return len(came), len(landed)


def _unknown(job: Job, events: Sequence[QueuedEvent]) -> list[QueuedEvent]:
    """The events whose change no posted event has brought; those in doubt are among them."""
    changes = {place: change for place, event in enumerate(events) if (change := _change_of(event))}
    known = job.transact(known_changes, changes) if changes else set()
    return [event for place, event in enumerate(events) if place not in known]


def _change_of(event: QueuedEvent) -> QueuedChange | None:
    """The change that a queued event is about; None where its time cannot be told for sure."""
    changed_at = _moment(event.payload["offline"]["TIMESTAMP_X"])
    if event.entity_type is None or event.entity_id is None or changed_at is None:
        return None
    return QueuedChange(event.entity_type, event.entity_id, event.event.endswith("DELETE"), changed_at)


def _moment(text: str) -> datetime | None:
    """A time of the portal; None unless it says its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _read_reservation(job: Job, answer: BatchAnswer, key: str) -> tuple[str, list[QueuedEvent]]:
    """The process id of a reservation and its events; no events where the command failed."""
    if key in answer.errors:
        return "", []
    found = answer.get(key)
    if not isinstance(found, Mapping):
        raise UnreadableAnswer(job.portal.name, "event.offline.get: expected a reservation and its events")
    with decoding(job.portal.name, "event.offline.get"):
        events = [event_of(row, job.portal.member_id or "") for row in found.get("events") or []]
    return str(found.get("process_id") or ""), events


def event_of(row: Mapping[str, Any], member_id: str) -> QueuedEvent:
    """A row of the queue as the event to land; a row of an unknown event gets no entity, and the drain ignores it."""
    name = str(row.get("EVENT_NAME", "")).upper()
    known = name if name in QUEUED_EVENTS or name in EVENTS_OF_CHOSEN else "UNKNOWN"
    fields = _mapping(_mapping(row.get("EVENT_DATA")).get("FIELDS"))
    number = str(fields.get("ID") or "")
    named = entity_type_of(known, str(fields.get("ENTITY_TYPE_ID") or ""))
    queued = {key: _text(row.get(key)) for key in ("ID", "TIMESTAMP_X", "MESSAGE_ID")}
    entity_id = int(number) if _ID.fullmatch(number) else None
    return QueuedEvent(known, member_id, named, entity_id, {"event": known, "offline": queued})


def _mapping(value: Any) -> dict[str, Any]:
    """A mapping as a dictionary, anything else as an empty one: the documentation's samples have `false` there."""
    return dict(value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    """A value as text that PostgreSQL can store, at most 64 characters."""
    return str(value).encode("ascii", "replace").decode().replace("\0", "")[:64]


def _clear_reservations(client: BitrixClient, processes: Sequence[str]) -> None:
    commands = {
        process: Command("event.offline.clear", {"process_id": process}) for process in processes if process
    }
    if commands:
        _raise_first(client.batch(commands))


def _raise_first(answer: BatchAnswer) -> None:
    error: ApiError | None = next(iter(answer.errors.values()), None)
    if error:
        raise error
