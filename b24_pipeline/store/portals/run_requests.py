"""Work that the service may not do itself: reads of portals and builds of models that it asks of Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)


class RunRequest(NamedTuple):
    """Something that somebody asked for. `portal`: the name of the portal to read; None: only the models are built."""

    id: int
    portal: str | None


def request(connection: Connection, portal: Portal | None) -> None:
    """Asks Dagster to read a portal and build the models above it, or to build the models alone."""
    _sql.let_no_other_request(connection)
    _sql.request(connection, portal=portal and portal.id)


def requests_after(connection: Connection, last_seen: int) -> list[RunRequest]:
    """What was asked for after the request of this number, oldest first; an hour later nobody waits for it."""
    return [RunRequest(*row) for row in _sql.requests_after(connection, last_seen=last_seen)]


@contextmanager
def answered(warehouse: Warehouse) -> Iterator[None]:
    """A build of the models: when the block has ended well, all that was asked for before it is built."""
    asked = warehouse.transact(_sql.last_unbuilt)
    yield
    if asked is not None:
        warehouse.transact(_sql.note_built, last=asked)


def build_standing(connection: Connection) -> str | None:
    """How the last build stands that was asked for within an hour: built, waiting (for ten minutes at most), or failed.

    None where none was.
    """
    standing = _sql.build_standing(connection)
    return None if standing is None else str(standing)


def delete_old(connection: Connection) -> None:
    """Deletes the requests that are a day old."""
    _sql.delete_old(connection)
