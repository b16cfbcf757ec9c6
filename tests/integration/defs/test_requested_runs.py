"""Reads and builds that people ask for on the pages, where the service has no right to do them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from threading import Thread

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.commands.models import build_models
from b24_pipeline.definitions import defs
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.sensors import requested_runs
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.run_requests import request, requests_after
from b24_pipeline.web.recounts import Recounts
from b24_pipeline.web.work import Work
from tests.integration.defs.conftest import PORTAL
from tests.support.installation import execute
from tests.support.servers.roles import as_service
from tests.support.servers.web_service import ScriptedService


class Daemon:
    """Asks the sensor as Dagster's daemon does, its cursor kept, and runs what it wants."""

    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance
        self._cursor: str | None = None

    def tick(self) -> list[tuple[str | None, str | None]]:
        """The jobs that were run, each with the key that Dagster would not start twice."""
        with dg.build_sensor_context(
            instance=self._instance, cursor=self._cursor, resources={"b24": B24()}
        ) as context:
            found = requested_runs(context)
        if not isinstance(found, dg.SensorResult):
            return []
        self._cursor = found.cursor
        for run in found.run_requests or ():
            job = defs.resolve_job_def(str(run.job_name))
            assert job.execute_in_process(run_config=run.run_config, instance=self._instance).success
        return [(run.job_name, run.run_key) for run in found.run_requests or ()]


@pytest.fixture
def daemon(instance: DagsterInstance) -> Daemon:
    return Daemon(instance)


@pytest.fixture
def of_service(installation: Runtime, database_url: str) -> Iterator[Warehouse]:
    """The database for the service's own role."""
    with closing(Warehouse(as_service(database_url))) as warehouse:
        yield warehouse


def test_a_portal_that_somebody_wants_read_is_read_by_dagster(
    installation: Runtime, of_service: Warehouse, daemon: Daemon
) -> None:
    """Within a tick, however often it was asked for, and once; the figures are made with it."""
    work = Work(of_service, {})
    assert work.is_asked_of_dagster
    assert daemon.tick() == []
    portal = installation.portals.one(PORTAL)
    for _ in range(3):
        work.sync(portal)
    assert daemon.tick() == [("changes", "0:requested 3")]
    assert daemon.tick() == []
    with installation.warehouse.connect() as connection:
        assert connection.execute("select count(*) from bitrix24_deals").fetchone() == (80,)
        assert connection.execute("select count(*) > 0 from analytics.funnel_stats").fetchone() == (True,)


@dataclass
class LeavingService(ScriptedService):
    """Leaves builds to Dagster, as the service does whose role may not build."""

    work: Work | None = None

    def leave_models(self) -> bool:
        assert self.work
        return self.work.leave_models()


def test_figures_are_counted_anew_by_dagster(
    installation: Runtime, of_service: Warehouse, daemon: Daemon
) -> None:
    """Any process of the service knows when they are there, whatever changes meanwhile; or that nobody made them."""
    one, other = (
        Recounts(of_service, LeavingService(work=Work(of_service, {})))  # type: ignore[arg-type]
        for _ in range(2)
    )
    assert not (one.is_running or one.has_failed)
    one.ask()
    assert other.is_running
    installation.warehouse.transact(request, installation.portals.one(PORTAL))
    assert daemon.tick() == [("changes", "0:requested 2"), ("models", "requested 2")]
    assert not (other.is_running or other.has_failed)
    other.ask()
    late = "update bitrix24_run_requests set requested_at = requested_at - interval '11 minutes' where built_at is null"
    execute(installation.warehouse, late)
    assert (one.is_running, one.has_failed) == (False, True)
    build_models(installation, only_changed=True)
    assert (one.is_running, one.has_failed) == (False, False)


def test_a_request_that_the_database_refuses_is_told(of_service: Warehouse, installation: Runtime) -> None:
    """Rights that were not given after an upgrade; what a person has changed is stored all the same."""
    execute(installation.warehouse, "revoke insert on bitrix24_run_requests from b24_service")
    recounts = Recounts(of_service, LeavingService(work=Work(of_service, {})))  # type: ignore[arg-type]
    recounts.ask()
    assert (recounts.is_running, recounts.has_failed) == (False, True)


def test_no_request_is_passed_over(installation: Runtime, of_service: Warehouse) -> None:
    """Two people at once: a number that is seen is never followed by a smaller one that was committed later."""
    portal = installation.portals.one(PORTAL)
    with of_service.connect() as first:
        request(first, portal)
        other = Thread(target=lambda: of_service.transact(request, None))
        other.start()
        other.join(0.5)
        assert other.is_alive()
        with installation.warehouse.connect() as connection:
            assert requests_after(connection, 0) == []
    other.join(30)
    with installation.warehouse.connect() as connection:
        assert requests_after(connection, 0) == [(1, PORTAL), (2, None)]


def test_nobody_waits_for_what_was_asked_for_long_ago(
    installation: Runtime, of_service: Warehouse, daemon: Daemon
) -> None:
    """A daemon that was away for hours, or whose cursor was lost, reads by its schedule."""
    Work(of_service, {}).sync(installation.portals.one(PORTAL))
    execute(
        installation.warehouse,
        "update bitrix24_run_requests set requested_at = requested_at - interval '61 minutes'",
    )
    assert daemon.tick() == []


def test_whoever_owns_the_marts_does_it_itself(installation: Runtime) -> None:
    """An installation with one role for everything needs no Dagster."""
    assert not Work(installation.warehouse, {}).is_asked_of_dagster
