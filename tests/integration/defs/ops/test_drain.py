"""The job `drain`: inbound events become rows, moves and figures, and Dagster is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.bitrix.events.inbound import parse_event
from b24_pipeline.definitions import defs
from b24_pipeline.defs.ops import drain
from b24_pipeline.defs.ops.prune import prune_events
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.sensors import inbound_events
from b24_pipeline.models import BuildResult, build, load_project
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.portals import pauses
from b24_pipeline.sync.run import SyncRequest, sync_portals
from tests.integration.defs.assets.conftest import observed
from tests.integration.defs.conftest import PORTAL, connect
from tests.support.data.events import body
from tests.support.installation import execute, fetch

PATIENCE_SECONDS = 60.0


@pytest.fixture
def changing() -> Iterator[Sandbox]:
    """A portal that this test changes."""
    with Sandbox(SandboxConfig(leads=20, deals=30, seed=4)) as portal:
        yield portal


@pytest.fixture
def synced(installation: Runtime, changing: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """It is connected and synced, and the drain stays for a second only."""
    monkeypatch.setattr(drain, "LINGER_SECONDS", 1.0)
    monkeypatch.setattr(drain, "BETWEEN_PASSES_SECONDS", 0.1)
    connect(installation, changing.webhook_url, "changing")
    portals = installation.portals.named(["changing"])
    outcomes = sync_portals(installation.connections, portals, SyncRequest(), installation.options())
    assert not [outcome.error for outcome in outcomes if outcome.error]
    return installation


def land(runtime: Runtime, portal: str, name: str, *numbers: int) -> None:
    account = runtime.portals.one(portal).id
    Landing(runtime.warehouse).land([(account, parse_event(body(name, number))) for number in numbers])


def run_drain(instance: DagsterInstance) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("drain")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def test_events_of_a_paused_portal_are_named(installation: Runtime, instance: DagsterInstance) -> None:
    """They stay for the time after the pause; the sensor says so instead of that there are none."""
    land(installation, PORTAL, "ONCRMDEALUPDATE", 1, 2)
    pauses.pause(installation.warehouse, installation.portals.one(PORTAL))
    with dg.build_sensor_context(instance=instance, resources={"b24": B24()}) as context:
        found = inbound_events(context)
    assert isinstance(found, dg.SkipReason)
    assert found.skip_message == f"2 events wait for paused portals: {PORTAL}"


def in_stage(runtime: Runtime, stage: str) -> int:
    rows = fetch(
        runtime.warehouse,
        "select in_stage from analytics.funnel_stats"
        " where portal = 'changing' and entity_type = 'deal' and category_id = 0 and status_id = %s",
        stage,
    )
    return int(rows[0]["in_stage"]) if rows else 0


def test_a_moved_deal_is_in_the_funnel(synced: Runtime, changing: Sandbox, instance: DagsterInstance) -> None:
    """One run stores the row, the move and the figures, and reports the cohort and the models."""
    deals = changing.truth.entities("deal")
    chosen = deals[
        (deals["CATEGORY_ID"] == 0) & (deals["STAGE_ID"] != "WON") & (deals["IS_RECURRING"] != "Y")
    ]
    number = int(chosen["ID"].iloc[0])
    build(synced.warehouse.connect, load_project())
    before = in_stage(synced, "WON")
    changing.move("deal", number, "WON", 0)
    land(synced, "changing", "ONCRMDEALUPDATE", number)
    result = run_drain(instance)
    assert result.success
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags["b24/takes_events_until"].endswith(" UTC")
    assert in_stage(synced, "WON") == before + 1
    found = fetch(
        synced.warehouse,
        "select to_status_id, source from bitrix24_status_history where bitrix24_deal_id = %s order by id desc limit 1",
        number,
    )
    assert found == [{"to_status_id": "WON", "source": "history"}]
    events = [e.materialization for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION"]
    told = {event.asset_key.to_user_string() for event in events}
    assert {"fct_deal", "funnel_stats"} <= told
    assert not {"stg_deals", "int_reach"} & told
    assert observed(result) == {"raw/deals", "raw/status_history"}
    assert not {"raw/deals", "raw/status_history"} & told
    statuses = fetch(synced.warehouse, "select distinct status from bitrix24_webhook_events")
    assert statuses == [{"status": "done"}]
    log = fetch(synced.warehouse, "select distinct run_id from bitrix24_sync_log where sync_type = 'event'")
    assert result.run_id in [row["run_id"] for row in log]


@pytest.mark.usefixtures("without_waits")
def test_a_portal_that_is_away_fails_the_run_and_not_the_others(
    synced: Runtime, changing: Sandbox, instance: DagsterInstance
) -> None:
    """The run fails with one line, the portal's events wait, and the other portals are drained."""
    number = int(changing.truth.entities("deal")["ID"].iloc[0])
    connect(synced, "http://127.0.0.1:9/rest/1/secretsecret/", "away")
    land(synced, "away", "ONCRMDEALUPDATE", 1)
    land(synced, "changing", "ONCRMDEALUPDATE", number)
    result = run_drain(instance)
    assert not result.success
    rows = fetch(
        synced.warehouse,
        "select a.name, e.status from bitrix24_webhook_events as e"
        " inner join user_accounts as a on e.user_account_id = a.id order by e.id",
    )
    assert rows == [{"name": "away", "status": "pending"}, {"name": "changing", "status": "done"}]


def test_old_events_are_pruned(synced: Runtime, instance: DagsterInstance) -> None:
    """Old events are deleted, except those that failed; and files that nobody has loaded."""
    land(synced, PORTAL, "ONCRMDEALUPDATE", 1, 2, 3)
    execute(
        synced.warehouse,
        "insert into bitrix24_uploads (user_account_id, uploaded_by, uploaded_at, file_name, content)"
        " select id, 'Anna', now() - interval '2 hours', 'a.csv', 'x' from user_accounts limit 1",
    )
    execute(
        synced.warehouse,
        "update bitrix24_webhook_events set handled_at = now() - interval '40 days',"
        " status = case entity_id when 1 then 'done' when 2 then 'failed' else 'ignored' end",
    )
    with dg.build_op_context(instance=instance, resources={"b24": B24()}) as context:
        prune_events(context)
    assert fetch(synced.warehouse, "select entity_id from bitrix24_webhook_events") == [{"entity_id": 2}]
    assert fetch(synced.warehouse, "select from bitrix24_uploads") == []


def test_events_do_not_wait_for_a_build(
    synced: Runtime, changing: Sandbox, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lands while the models are built, which may take minutes, is drained meanwhile."""
    first, second = (int(number) for number in changing.truth.entities("deal")["ID"].iloc[:2])
    events = "select entity_id, status from bitrix24_webhook_events where status != 'done'"
    seen: list[bool] = []

    def build_slowly(*given: Any, **options: Any) -> BuildResult:
        if not seen:
            land(synced, "changing", "ONCRMDEALUPDATE", second)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while fetch(synced.warehouse, events) and time.monotonic() < deadline:
                time.sleep(0.1)
            seen.append(not fetch(synced.warehouse, events))
        return build(*given, **options)

    monkeypatch.setattr("b24_pipeline.defs.ops.model_builder.build", build_slowly)
    changing.move("deal", first, "WON", 0)
    land(synced, "changing", "ONCRMDEALUPDATE", first)
    assert run_drain(instance).success
    assert seen == [True]
