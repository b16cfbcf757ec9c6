"""What Dagster hands to assets, checks and schedules: the installation of this process's settings.

It is opened where it is used, so that the definitions load while the database
is down or empty. Clients take their budget from the database: any number of
processes keep each portal's limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from b24_pipeline.runtime import Runtime, opened
from b24_pipeline.settings import settings
from b24_pipeline.store import backlog
from b24_pipeline.sync import run as sync
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.options import Progress, no_progress


class B24(dg.ConfigurableResource["B24"]):
    """The database, the portals, and a client for each."""

    @contextmanager
    def opened(self) -> Iterator[Runtime]:
        """The installation. Raises DatabaseError and SettingsError."""
        with opened(settings()) as runtime:
            yield runtime

    @contextmanager
    def job(self, portal: str, *, run_id: str, progress: Progress = no_progress) -> Iterator[Job]:
        """One portal, ready to be synced. Raises UnknownPortal."""
        with self.opened() as runtime:
            options = runtime.options(run_id=run_id, progress=progress)
            with sync.opened(runtime.connections, runtime.portals.one(portal), options) as job:
                yield job

    def connected_portals(self) -> list[str]:
        """The names of the portals that are to be synced."""
        with self.opened() as runtime:
            return [portal.name for portal in runtime.portals.named()]

    def has_due_events(self) -> bool:
        """Whether inbound events wait to be drained."""
        with self.opened() as runtime:
            return runtime.warehouse.transact(backlog.is_due)
