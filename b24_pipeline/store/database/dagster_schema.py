"""The schema of our database in which Dagster keeps its storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.database.warehouse import Warehouse

SCHEMA = "dagster"
PATIENCE_SECONDS = 60
_sql = queries.load(__file__)


def is_set_up(connection: psycopg.Connection) -> bool:
    """Whether Dagster's tables exist; asked before the import of Dagster, which takes two seconds."""
    return bool(_sql.is_set_up(connection))


def daemon_seconds(connection: psycopg.Connection) -> float | None:
    """Seconds since a daemon of Dagster reported last; None where none ever has, or this role may not see it."""
    if not _sql.may_see(connection, relation="daemon_heartbeats"):
        return None
    seconds = _sql.daemon_seconds(connection)
    return None if seconds is None else float(seconds)


@dataclass(frozen=True, slots=True)
class FailingJob:
    """A job whose last runs have failed: how many in a row, and the seconds since the last of them."""

    name: str
    runs: int
    seconds: float


def failing_jobs(connection: psycopg.Connection, *, least: int, within: timedelta) -> list[FailingJob]:
    """The jobs whose last runs have all failed, `least` or more of them within this time.

    Empty where Dagster has its storage elsewhere, or this role may not see it.
    """
    if not _sql.may_see(connection, relation="runs"):
        return []
    return [
        FailingJob(*row) for row in _sql.failing_jobs(connection, least=least, seconds=within.total_seconds())
    ]


def switched_off(connection: psycopg.Connection) -> list[str]:
    """The schedules and sensors that a person has stopped in Dagster, by name.

    Empty where Dagster has its storage elsewhere, or this role may not see it.
    """
    if not _sql.may_see(connection, relation="instigators"):
        return []
    return [name for (name,) in _sql.switched_off(connection)]


def delete_old_events(connection: psycopg.Connection, before: datetime) -> int:
    """Deletes what stays of runs that were deleted, and what belongs to no run, from before a time with its zone.

    That are results of checks and the events that commands report. The last of each stays, since Dagster shows it.
    Returns how many rows were deleted.
    """
    utc = before.astimezone(UTC).replace(tzinfo=None)  # as Dagster stores moments
    results = int(_sql.delete_check_results(connection, before=utc))
    return results + int(_sql.delete_runless_events(connection, before=utc))


@contextmanager
def being_set_up(url: str) -> Iterator[None]:
    """Makes the schema and keeps other processes from making tables in it until the block ends."""
    warehouse = Warehouse(url, pool_size=2)
    try:
        with held(warehouse, "dagster storage", wait_seconds=PATIENCE_SECONDS):
            with warehouse.autocommit() as connection:
                if not _sql.has_schema(connection):
                    _sql.create_schema(connection)
            yield
    finally:
        warehouse.close()
