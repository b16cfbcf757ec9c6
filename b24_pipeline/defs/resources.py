"""The resource that Dagster hands to assets, checks, schedules and sensors: the installation that the settings name.

It is opened where it is used, so the definitions load while the database is down or empty. The request budget is in
the database, so any number of processes together keep each portal's limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import ClassVar

import dagster as dg

from b24_pipeline.defs.known_assets import AssetNames, KnownAssets
from b24_pipeline.errors import B24Error
from b24_pipeline.log import logs_of_run
from b24_pipeline.runtime import Runtime, opened
from b24_pipeline.settings import settings
from b24_pipeline.store.database.run_lock import alive, is_alive
from b24_pipeline.store.events import backlog
from b24_pipeline.store.portals.portal_names import fits_dagster
from b24_pipeline.store.portals.run_requests import RunRequest, requests_after
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.options import Progress, no_progress
from b24_pipeline.sync.parallel import opened_job

_LOCK_TAG = ".dagster/b24_holds_lock"  # the UI hides tags that begin so
HOLDS_LOCK = {_LOCK_TAG: "yes"}
"""The tag of runs that hold a lock while they live: one whose lock is free was killed."""


HELD_LOCK = {_LOCK_TAG: "no"}
"""A run whose steps are processes of their own, as in other projects, goes on when ours have ended."""


class B24(dg.ConfigurableResource["B24"]):
    """The installation: its database, its portals, and a client for each of them.

    `asset_keys` are the keys that a translation has given to assets, by the keys that are ours, each as `a/b`.
    `is_embedded`: the definitions are part of a project of somebody else. Both are of the class, not fields: Dagster
    would ask for fields whenever somebody launches a job.
    """

    asset_keys: ClassVar[Mapping[str, str]] = {}
    is_embedded: ClassVar[bool] = False

    @classmethod
    def of(cls, keys: Mapping[str, str] | None = None, *, is_embedded: bool = False) -> B24:
        """The resource of definitions whose assets have these keys."""
        found, embedded = dict(keys or {}), is_embedded

        class Embedded(cls):  # type: ignore[misc, valid-type]
            asset_keys: ClassVar[Mapping[str, str]] = found
            is_embedded: ClassVar[bool] = embedded

        return Embedded()

    @property
    def asset_names(self) -> AssetNames:
        """What our assets are called in Dagster."""
        return AssetNames(self.asset_keys)

    def known(self, instance: dg.DagsterInstance) -> KnownAssets:
        """What this instance has stored of our assets."""
        return KnownAssets(instance, self.asset_names)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[B24]:
        """Holds the lock of a run until the run ends, so that others see that its process lives.

        The log of a process of ours carries the run's id; another project's log is its own affair.
        """
        with ExitStack() as stack:
            if context.run is not None and not self.is_embedded:
                stack.enter_context(logs_of_run(context.run.run_id))
            if context.run is not None and context.instance is not None:
                try:
                    runtime = stack.enter_context(self.opened())
                    stack.enter_context(alive(runtime.warehouse, context.run.run_id))
                    context.instance.add_run_tags(context.run.run_id, HOLDS_LOCK)
                    stack.callback(context.instance.add_run_tags, context.run.run_id, HELD_LOCK)
                except B24Error:
                    pass  # the steps meet the same error and report it
            yield self

    def gone(self, runs: Iterable[str]) -> set[str]:
        """The ids of those runs whose process holds no lock any more."""
        with self.opened() as runtime:
            return runtime.warehouse.transact(
                lambda connection: {run_id for run_id in runs if not is_alive(connection, run_id)}
            )

    @contextmanager
    def opened(self) -> Iterator[Runtime]:
        """The opened installation. Raises DatabaseError and SettingsError."""
        with opened(settings()) as runtime:
            yield runtime

    @contextmanager
    def job(self, portal: str, *, run_id: str, progress: Progress = no_progress) -> Iterator[Job]:
        """The job of one portal, ready to be synced. Raises UnknownPortal."""
        with self.opened() as runtime:
            options = runtime.options(run_id=run_id, progress=progress)
            with opened_job(runtime.connections, runtime.portals.one(portal), options) as job:
                yield job

    def connected_portals(self) -> list[str]:
        """The names of the portals that are to be synced, without those that Dagster takes for a range."""
        with self.opened() as runtime:
            return [portal.name for portal in runtime.portals.named() if fits_dagster(portal.name)]

    def known_portals(self) -> set[str]:
        """The names of all portals, also of those whose data stays although they are not read any more."""
        with self.opened() as runtime:
            return {portal.name for portal in runtime.portals.all()}

    def run_requests(self, last_seen: int) -> list[RunRequest]:
        """What people asked for on the pages after the request of this number."""
        with self.opened() as runtime:
            return runtime.warehouse.transact(requests_after, last_seen)

    def waiting_events(self) -> backlog.Waiting:
        """Whether inbound events are due to be drained; where none are, those that wait for paused portals."""
        with self.opened() as runtime:
            return runtime.warehouse.transact(backlog.waiting)
