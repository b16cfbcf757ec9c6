"""Runs for a group of portals where something is odd: unknown names, a refused entity, a restarted database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from dagster import DagsterInstance

from b24_pipeline.defs.ops import model_builder
from b24_pipeline.models import BuildResult
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Fault, Sandbox, SandboxConfig
from b24_pipeline.store.database.locks import claims
from tests.integration.defs.conftest import PORTAL, connect
from tests.integration.defs.ops.test_portal_ops import failure_of, read, run
from tests.support.installation import execute, fetch

REFUSES = "refuses"


@pytest.fixture
def refusing(installation: Runtime, instance: DagsterInstance) -> Iterator[Sandbox]:
    """A second portal, which gives out no leads."""
    with Sandbox(SandboxConfig(leads=5, deals=5, seed=1)) as sandbox:
        sandbox.faults.add(Fault("command_error", method="crm.lead.list", error="ACCESS_DENIED"))
        connect(installation, sandbox.webhook_url, REFUSES)
        instance.add_dynamic_partitions("portals", [REFUSES])
        yield sandbox


def test_an_unknown_name_fails_the_run_and_the_known_are_read(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """A name that was mistyped, or whose portal was removed while the run waited, is told; nothing is hidden."""
    result = run(instance, "changes", PORTAL, "amce")
    assert not result.success
    failure = failure_of(result)
    assert set(failure.metadata) == {"amce"}
    assert "amce" in failure.description
    assert read(instance) == {PORTAL}


def test_a_portal_that_is_not_connected_any_more_is_left_out(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """Somebody disconnected it while the run waited: that is no failure."""
    installation.portals.remove(PORTAL, purge=False)
    assert run(instance, "changes", PORTAL).success
    assert run(instance, "changes").success
    assert read(instance) == set()


def test_models_are_built_though_a_portal_refuses_an_entity_for_ever(
    installation: Runtime, instance: DagsterInstance, refusing: Sandbox
) -> None:
    """Its deals and the whole other portal are in the figures, run after run."""
    for _ in range(2):
        result = run(instance, "changes")
        assert set(failure_of(result).metadata) == {REFUSES}
    portals = fetch(installation.warehouse, "select distinct portal from analytics.fct_deal")
    assert {row["portal"] for row in portals} == {PORTAL, REFUSES}


def test_a_broken_build_stops_no_portal(
    installation: Runtime, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database ends the session of a build: the run says so in a line, and what was read is reported."""

    def broken(*_: Any, **__: Any) -> BuildResult:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(model_builder, "build", broken)
    result = run(instance, "changes")
    failure = failure_of(result)
    assert set(failure.metadata) == {"models"}
    assert failure.description.startswith("models: ")
    assert read(instance) == {PORTAL}


def test_claims_outlive_their_connection(installation: Runtime) -> None:
    """The server ends it: what was claimed is claimed again, and nothing fails."""
    with claims(installation.warehouse) as ours, claims(installation.warehouse) as theirs:
        assert ours.take("first")
        execute(
            installation.warehouse,
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid != pg_backend_pid() and datname = current_database()",
        )
        assert ours.take("second")
        assert not theirs.take("first")
        assert not theirs.take("second")
        ours.give_back("first")
        assert theirs.take("first")
    assert not ours.take("third")
