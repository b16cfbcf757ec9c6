"""Stores inbound events that were proved in the landing table, many in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import orjson

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.portals import application_tokens

_sql = queries.load(__file__)

UNINSTALLED = "ONAPPUNINSTALL"
INSTALLED = "ONAPPINSTALL"
PATIENCE_MILLISECONDS = 800
"""A statement that takes longer is of no use: the sender has got its answer by then."""


class LandableEvent(Protocol):
    """What is stored of an inbound event; `bitrix.events.InboundEvent` is one."""

    @property
    def event(self) -> str: ...

    @property
    def member_id(self) -> str: ...

    @property
    def entity_type(self) -> str | None: ...

    @property
    def entity_id(self) -> int | None: ...

    @property
    def payload(self) -> dict[str, Any]: ...


Landed = tuple[UUID, LandableEvent]
"""The portal's account, and its event."""


@dataclass(frozen=True, slots=True)
class Landing:
    """The landing table of one database."""

    warehouse: Warehouse

    def land(self, events: Sequence[Landed]) -> None:
        """Commits all of these events, or none. Raises DatabaseError, or StorageError where one of them is refused.

        The removal of an application also takes the portal's tokens, in the same transaction.
        """
        if events:
            self.warehouse.transact(_land, events)


@dataclass(frozen=True, slots=True)
class QueuedChange:
    """A change of an object that a portal has queued; `changed_at` by the portal's clock."""

    entity_type: str
    entity_id: int
    is_deletion: bool
    changed_at: datetime


def known_changes(connection: Connection, account: UUID, changes: Mapping[int, QueuedChange]) -> set[int]:
    """The keys of the changes that events posted by the portal have brought already; a change in doubt is none."""
    rows = [{"place": place, **asdict(change)} for place, change in changes.items()]
    return {
        place for (place,) in _sql.known(connection, account=account, changes=orjson.dumps(rows).decode())
    }


def _land(connection: Connection, events: Sequence[Landed]) -> None:
    with connection.pipeline():  # one way to the database and back, while senders wait
        _sql.patience(connection, milliseconds=str(PATIENCE_MILLISECONDS))
        # one text for all costs a tenth of an array a column
        _sql.land(connection, rows=orjson.dumps([_row(*landed) for landed in events]).decode())
    removed = [account for account, event in events if event.event == UNINSTALLED]
    if removed:
        application_tokens.application_removed(connection, *removed)


def _row(account: UUID, event: LandableEvent) -> dict[str, Any]:
    return {
        "account": account,
        "member_id": event.member_id,
        "event": event.event,
        "entity_type": event.entity_type,
        "entity_id": event.entity_id,
        "payload": event.payload,
        "status": "done" if event.event in (INSTALLED, UNINSTALLED) else "pending",
    }
