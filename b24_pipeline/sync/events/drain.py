"""Drains inbound events: fetches each object that they name once, as it is in the portal now, and stores it.

One transaction a chunk stores rows, history, tombstones and the events' own state.
Wherever a drain is killed, the next drain does the chunk again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from b24_pipeline.errors import B24Error, InternalError, PortalError, WorkStopped
from b24_pipeline.errors.groups import STOPS_PORTAL
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.events import backlog
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.crm.directories import sync_directories
from b24_pipeline.sync.derived import update_derived
from b24_pipeline.sync.events.drain_chunk import EVENT, MOST_OBJECTS, DrainChunk
from b24_pipeline.sync.failures import explained
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.parallel import PortalPool, each_portal

STORING = "storing what events named"

SOON_SECONDS, LATER_SECONDS = 15.0, 60.0
"""How long events wait after a failure: after one that may pass, and after one that stops the whole portal."""


def drain(
    connections: Connections,
    options: Options,
    *,
    portals: Sequence[Portal] | None = None,
    limit: int | None = None,
) -> list[Outcome]:
    """Drains the events that are due, once, of these portals or of all connected ones side by side.

    `limit`: at most so many objects of a portal. Returns an outcome for each entity that had events. A portal that
    cannot be read keeps its events, and its outcome has the error. Raises DatabaseError.
    """
    upto = connections.warehouse.transact(backlog.last_event)
    done = each_portal(
        connections,
        due_portals(connections, portals),
        options,
        lambda job: _drain_portal(job, upto, limit),
        _failed,
    )
    return [outcome for outcomes in done for outcome in outcomes]


def due_portals(connections: Connections, portals: Sequence[Portal] | None = None) -> list[Portal]:
    """Which of these portals, or of all connected ones, have events that are due."""
    due = connections.warehouse.transact(backlog.due_accounts)
    known = (connections.portals.all() if portals is None else portals) if due else ()
    return [portal for portal in known if portal.id in due]


def drain_pool(connections: Connections, options: Options) -> PortalPool[list[Outcome]]:
    """A pool that drains what is due of each portal that is added to it, whatever the other portals do."""

    def drain_due(job: Job) -> list[Outcome]:
        return _drain_portal(job, connections.warehouse.transact(backlog.last_event), None)

    return PortalPool(connections, options, drain_due, _failed)


def _failed(portal: Portal, error: B24Error) -> list[Outcome]:
    return [Outcome(portal.name, EVENT, EVENT, error=error)]


def replay(connections: Connections, since: datetime, portals: Sequence[Portal]) -> int:
    """Marks the events of these portals that landed since a time as pending again; returns how many."""
    accounts = [portal.id for portal in portals]
    return connections.warehouse.transact(backlog.replay, since, accounts)


def sum_outcomes(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Adds outcomes up to one for each portal and entity.

    Its error is that of the last outcome: a chunk that failed before was tried again and then worked.
    """
    totals: dict[tuple[str, str], Outcome] = {}
    for outcome in outcomes:
        empty = Outcome(outcome.portal, outcome.entity, outcome.sync_type)
        total = totals.setdefault((outcome.portal, outcome.entity), empty)
        for figure in _FIGURES:
            setattr(total, figure, getattr(total, figure) + getattr(outcome, figure))
        total.months |= outcome.months
        total.error = outcome.error
    return list(totals.values())


_FIGURES = (
    "rows_read",
    "rows_changed",
    "rows_deleted",
    "values_set_aside",
    "rows_left_out",
    "requests",
    "operating_seconds",
    "seconds",
)


def _drain_portal(job: Job, upto: int, limit: int | None) -> list[Outcome]:
    """Drains a portal chunk by chunk; an error ends the drain, and the chunks stored before stay."""
    outcomes: list[Outcome] = []
    try:
        with explained(job.portal.name, STORING):
            outcomes += _drain_fields(job, upto)
            for chunk in _chunks(job, upto, limit):
                outcomes += chunk.outcomes()
    except B24Error as error:
        outcomes.append(Outcome(job.portal.name, EVENT, EVENT, error=error))
    update_derived(job.warehouse, job.portal)
    return sum_outcomes(outcomes)


def _chunks(job: Job, upto: int, limit: int | None) -> Iterator[DrainChunk]:
    left = limit
    while left is None or left > 0:
        chunk = _drain_chunk(job, upto, MOST_OBJECTS if left is None else min(left, MOST_OBJECTS))
        if chunk is None:
            return
        yield chunk
        left = None if left is None else left - len(chunk.objects)


def _drain_fields(job: Job, upto: int) -> list[Outcome]:
    """Reads the field catalogue once for all field events, and ignores events that name nothing to fetch."""
    return job.warehouse.transact(_drained_fields, job, upto)


def _drained_fields(connection: Connection, job: Job, upto: int) -> list[Outcome]:
    if not backlog.lock_draining(connection, job.portal.id):
        return []
    backlog.ignore_rest(connection, job.portal.id, upto=upto)
    if not backlog.claim_field_events(connection, job.portal.id, upto=upto):
        return []
    outcomes = sync_directories(job)
    # the catalogue of fields is read last; without it, the one outcome tells why nothing was read
    error = outcomes[-1].error
    if isinstance(error, STOPS_PORTAL):
        backlog.postpone(connection, seconds=LATER_SECONDS, error=str(error))
    elif error:
        backlog.fail_fields(connection, str(error))
    backlog.done(connection)
    return outcomes


def _drain_chunk(job: Job, upto: int, objects: int) -> DrainChunk | None:
    """Drains and stores one chunk; None if nothing is due or another process drains. Raises why it failed."""
    chunk, failure = job.warehouse.transact(_drained_chunk, job, upto, objects)
    if failure:
        raise failure
    return chunk


def _drained_chunk(
    connection: Connection, job: Job, upto: int, objects: int
) -> tuple[DrainChunk | None, B24Error | None]:
    if not backlog.lock_draining(connection, job.portal.id):
        return None, None
    claimed = backlog.claim_objects(connection, job.portal.id, upto=upto, objects=objects)
    if not claimed:
        return None, None
    chunk = DrainChunk(job, connection, claimed)
    return chunk, _drain_or_postpone(job, connection, chunk)


def _drain_or_postpone(job: Job, connection: Connection, chunk: DrainChunk) -> B24Error | None:
    """Drains a chunk; if that fails, stores nothing of it but the time of the next try, and returns the error."""
    failure: B24Error
    try:
        with explained(job.portal.name, STORING, repeated=True), connection.transaction():
            chunk.drain()
    except WorkStopped:
        raise  # nobody failed: the next drain takes the events at once
    except (PortalError, InternalError) as error:
        failure = error
    else:
        return None
    seconds = LATER_SECONDS if isinstance(failure, STOPS_PORTAL) else SOON_SECONDS
    backlog.postpone(connection, seconds=seconds, error=str(failure))
    return failure
