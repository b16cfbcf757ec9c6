"""The landing table as a queue: claimed, done, set aside; all of it in the caller's transaction.

What is claimed stays locked until the transaction ends, so that a drain that
dies gives everything back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.crm import merge
from b24_pipeline.store.crm.merge import Target
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.locks import try_for_transaction
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

FIRST_SECONDS = 5.0
GROWTH = 4.0
MOST_ATTEMPTS = 6
"""An event that fails is tried again after 5, 20, 80, 320 and 1280 seconds, then given up."""

MOST_EVENTS_AN_OBJECT = 100
"""So many events are looked at for each object that is claimed, so that a long backlog costs little at once."""

EVENT_SCOPE = "event"

Failures = Mapping[tuple[str, int], str]
"""(entity type, id) -> why, in one line, without secrets."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An object that claimed events name. `is_deleted`: an event says that it is gone."""

    entity_type: str
    entity_id: int
    is_deleted: bool
    events: int


def is_due(connection: Connection) -> bool:
    """Whether any event is to be drained now."""
    return bool(_sql.is_due(connection))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether an event is to be drained now; where none is, how many wait for each paused portal, by its name."""

    is_due: bool
    of_paused: Mapping[str, int] = field(default_factory=dict)


def waiting(connection: Connection) -> Waiting:
    """What waits in the landing table."""
    if is_due(connection):
        return Waiting(is_due=True)
    return Waiting(is_due=False, of_paused=dict(_sql.events_of_paused(connection)))


def due_accounts(connection: Connection) -> set[UUID]:
    """The portals that have events to be drained now."""
    return {account for (account,) in _sql.due_accounts(connection)}


def last_event(connection: Connection) -> int:
    """The id of the event that landed last."""
    return int(_sql.last_event(connection))


def lock_draining(connection: Connection, account: UUID) -> bool:
    """Takes the lock of draining this portal until the transaction ends; False where another process has it.

    Two drains that fetch the same object could store what the slower one saw.
    """
    _sql.be_patient(connection)
    return try_for_transaction(connection, "drain", account)


def claim_objects(connection: Connection, account: UUID, *, upto: int, objects: int) -> list[Claimed]:
    """Claims the due events, up to that id, of the objects that have waited longest."""
    _sql.make_claimed(connection)
    events = objects * MOST_EVENTS_AN_OBJECT
    _sql.loop_joins(connection, allowed="off")
    _sql.claim_objects(connection, account=account, upto=upto, events=events, objects=objects)
    _sql.loop_joins(connection, allowed="on")
    _sql.analyze_claimed(connection)
    with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        return cursor.execute(_sql.claimed_objects.sql).fetchall()


def claim_field_events(connection: Connection, account: UUID, *, upto: int) -> int:
    """Claims the events of the field catalogue; returns how many."""
    _sql.make_claimed(connection)
    return int(_sql.claim_field_events(connection, account=account, upto=upto))


def ignore_rest(connection: Connection, account: UUID, *, upto: int) -> None:
    """Marks events that name nothing to fetch as done."""
    _sql.ignore_rest(connection, account=account, upto=upto)


def set_aside(connection: Connection, failures: Failures) -> None:
    """Notes that the claimed events of these objects have failed once more; `failures` has the reason of each."""
    if failures:
        _sql.set_aside(
            connection,
            entity_types=[entity_type for entity_type, _ in failures],
            entity_ids=[entity_id for _, entity_id in failures],
            errors=list(failures.values()),
            first_seconds=FIRST_SECONDS,
            growth=GROWTH,
            most_attempts=MOST_ATTEMPTS,
        )


def fail_fields(connection: Connection, error: str) -> None:
    """Notes that the claimed events of the field catalogue have failed once more."""
    _sql.fail_fields(
        connection,
        error=error,
        first_seconds=FIRST_SECONDS,
        growth=GROWTH,
        most_attempts=MOST_ATTEMPTS,
    )


def postpone(connection: Connection, *, seconds: float, error: str) -> None:
    """Lets all claimed events wait for so many seconds, without counting a failure."""
    _sql.postpone(connection, seconds=seconds, error=error)


def done(connection: Connection) -> int:
    """Marks all events that are still claimed as done; returns how many."""
    return int(_sql.done(connection))


def has_moved(connection: Connection, account: UUID, entity: str, ids: Sequence[int]) -> bool:
    """Whether one of these entities stands in another stage than its last stored move says."""
    return bool(_sql.has_moved(connection, account=account, entity=entity, ids=list(ids)))


def bury(connection: Connection, target: Target, entity: str, ids: Sequence[int]) -> int:
    """Marks rows as deleted that are gone from the portal; returns how many were alive."""
    if not ids:
        return 0
    _sql.note_gone(connection, account=target.account, entity=entity, scope=EVENT_SCOPE, ids=list(ids))
    buried = merge.set_tombstones(connection, target, entity, EVENT_SCOPE)
    merge.forget_vanished(connection, target, entity, EVENT_SCOPE)
    return buried


def stamp_anew(
    connection: Connection,
    account: UUID,
    *,
    leads: Sequence[int],
    deals: Sequence[int],
    contacts: Sequence[int],
    items: Sequence[tuple[str, int]] = (),
) -> None:
    """Gives the present moment to those of these objects, and to the moves, that this transaction has stored."""
    _sql.stamp_anew(
        connection,
        account=account,
        leads=list(leads),
        deals=list(deals),
        contacts=list(contacts),
        item_types=[entity_type for entity_type, _ in items],
        items=[number for _, number in items],
    )


def replay(connection: Connection, since: datetime, accounts: Sequence[UUID]) -> int:
    """Makes the events of these portals that landed since then pending again; returns how many."""
    return int(_sql.replay(connection, since=since, accounts=list(accounts)))


def prune(connection: Connection, *, days: int, most: int) -> int:
    """Deletes at most `most` events that were done more than `days` days ago; returns how many."""
    return int(_sql.prune(connection, days=days, most=most))
