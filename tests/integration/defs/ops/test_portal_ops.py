"""One run for a group of portals: what each did is told apart, and none holds up the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEventType, DagsterInstance

from b24_pipeline.definitions import defs
from b24_pipeline.defs.assets.model_events import changed_model_events
from b24_pipeline.defs.assets.raw_tables import CHANGES
from b24_pipeline.defs.ops import portals_run
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.database.locks import claims
from b24_pipeline.store.portals import pauses
from b24_pipeline.sync import parallel
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.run import SyncRequest, sync_portal
from tests.integration.defs.assets.conftest import materialized
from tests.integration.defs.conftest import PORTAL, connect
from tests.support.installation import fetch

OTHERS = ("one", "two", "three")
PATIENCE_SECONDS = 100.0


@pytest.fixture
def sandboxes(installation: Runtime, instance: DagsterInstance) -> Iterator[dict[str, Sandbox]]:
    """Three more portals beside `acme`, all connected."""
    with ExitStack() as stack:
        made = {
            name: stack.enter_context(Sandbox(SandboxConfig(leads=5, deals=5, seed=number)))
            for number, name in enumerate(OTHERS)
        }
        for name, sandbox in made.items():
            connect(installation, sandbox.webhook_url, name)
        instance.add_dynamic_partitions("portals", OTHERS)
        yield made


def run(instance: DagsterInstance, job: str, *portals: str) -> dg.ExecuteInProcessResult:
    """A run as a schedule asks for it; no portals are all of them."""
    found = defs.resolve_job_def(job)
    (op,) = found.graph.node_names()
    config: dict[str, Any] = {"ops": {op: {"config": {"portals": list(portals)}}}}
    return found.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


def read(instance: DagsterInstance) -> set[str]:
    """The portals whose changes were ever read."""
    latest = instance.event_log_storage.get_latest_storage_id_by_partition(
        CHANGES, DagsterEventType.ASSET_MATERIALIZATION
    )
    return set(latest)


def failure_of(result: dg.ExecuteInProcessResult) -> Any:
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    return failed.step_failure_data.user_failure_data


@pytest.mark.usefixtures("without_waits")
def test_a_dead_portal_fails_the_run_and_the_others_are_read(
    installation: Runtime, instance: DagsterInstance, sandboxes: dict[str, Sandbox]
) -> None:
    """All that can be read is, with the models above it; the failure names the portal that is away."""
    connect(installation, "http://127.0.0.1:9/rest/1/secretsecret/", "away")
    result = run(instance, "changes")
    assert not result.success
    failure = failure_of(result)
    assert set(failure.metadata) == {"away"}
    assert failure.description.startswith("away: ")
    assert read(instance) == {PORTAL, *OTHERS}
    portals = fetch(installation.warehouse, "select distinct portal from analytics.fct_deal")
    assert {row["portal"] for row in portals} == {PORTAL, *OTHERS}


def test_models_are_built_while_a_portal_hangs(
    installation: Runtime,
    instance: DagsterInstance,
    sandboxes: dict[str, Sandbox],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The portals behind it are read, and their figures are there before it answers."""
    monkeypatch.setattr(parallel, "PORTALS_AT_ONCE", 1)
    monkeypatch.setattr(parallel, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(portals_run, "QUIET_SECONDS", 1.0)
    built = Event()

    def sync_when_built(job: Job, request: SyncRequest) -> list[Outcome]:
        if job.portal.name == "one":
            assert built.wait(PATIENCE_SECONDS)
        return sync_portal(job, request)

    def note_built(*given: Any) -> Iterator[Any]:
        yield from changed_model_events(*given)
        built.set()

    monkeypatch.setattr("b24_pipeline.defs.ops.portal_ops.sync_portal", sync_when_built)
    monkeypatch.setattr("b24_pipeline.defs.ops.portals_run.changed_model_events", note_built)
    result = run(instance, "changes", *OTHERS)
    assert result.success
    told = [event for event in result.all_events if event.event_type_value == "ASSET_MATERIALIZATION"]
    names = [
        (event.materialization.asset_key.to_user_string(), event.materialization.partition) for event in told
    ]
    read_last, answered = names.index(("raw/changes", "three")), names.index(("raw/changes", "one"))
    assert ("fct_deal", None) in names[read_last:answered]


def test_a_portal_that_another_run_works_on_or_that_is_paused_is_left_out(
    installation: Runtime, instance: DagsterInstance, sandboxes: dict[str, Sandbox]
) -> None:
    """It is neither read twice at once nor waited for, nor asked where a person has paused it; the run succeeds."""
    account = installation.portals.one("two").id
    with claims(installation.warehouse) as claimed:
        assert claimed.take(f"{account} run")
        assert not claimed.take(f"{account} run")
        pauses.pause(installation.warehouse, installation.portals.one("three"))
        result = run(instance, "changes", *OTHERS)
        assert result.success
    assert read(instance) == {"one"}
    said = [log.user_message for log in instance.all_logs(result.run_id)]
    assert said.count("three: a person has paused it; `b24 portal resume three` lets it go on") == 1
    pauses.resume(installation.warehouse, installation.portals.one("three"))
    assert run(instance, "changes", *OTHERS).success
    assert read(instance) == {*OTHERS}


def test_an_idle_run_says_little(
    installation: Runtime, instance: DagsterInstance, sandboxes: dict[str, Sandbox]
) -> None:
    """Where nothing changed nothing is built, and each portal costs one event."""
    for _ in range(2):
        result = run(instance, "changes", *OTHERS)
        assert result.success
    # the comparison of stages, with which each sync ends, is new each time; views are tested as a whole, every night
    assert set(materialized(result)) == {"raw/changes", "reconciliation"}
    checks = result.get_asset_check_evaluations()
    assert {check.asset_key.path[-1] for check in checks} == {"changes", "reconciliation"}
    assert all(check.target_materialization_data for check in checks)
    logs = instance.all_logs(result.run_id)
    assert len(logs) < 50
    assert any(
        log.user_message.startswith("one: ") and " read, 0 changed" in log.user_message for log in logs
    )


@pytest.mark.parametrize(
    ("job", "asset"), [("pipelines", "raw/stages"), ("cohorts", "raw/deals"), ("reconcile", None)]
)
def test_the_other_jobs_serve_groups_too(
    installation: Runtime,
    instance: DagsterInstance,
    sandboxes: dict[str, Sandbox],
    job: str,
    asset: str | None,
) -> None:
    """What was read is reported for each portal."""
    result = run(instance, job)
    assert result.success
    told = [
        event.materialization
        for event in result.all_events
        if event.event_type_value == "ASSET_MATERIALIZATION"
    ]
    portals = {
        str(one.partition).rpartition("|")[2]
        for one in told
        if asset is None or one.asset_key.to_user_string() == asset
    }
    assert portals >= ({PORTAL, *OTHERS} if asset else {PORTAL})


def test_a_portal_that_was_read_is_a_partition_without_the_daemon(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """Its months can be chosen then; the sensor that makes partitions runs in the daemon alone."""
    with Sandbox(SandboxConfig(leads=5, deals=5, seed=9)) as sandbox:
        connect(installation, sandbox.webhook_url, "new")
        assert "new" not in instance.get_dynamic_partitions("portals")
        assert run(instance, "changes", "new").success
    assert "new" in instance.get_dynamic_partitions("portals")
