"""The order of a sync, what an error stops, and what the sync log says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from b24_pipeline.errors import (
    CredentialRefused,
    InternalError,
    PortalUnreachable,
    ScopeMissing,
    SyncBusy,
    UnknownEntity,
)
from b24_pipeline.sandbox import Fault, Limits, Sandbox, SandboxConfig
from b24_pipeline.store.crm import merge
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.sync.crm.scope import Days
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.portals.probe import probe
from b24_pipeline.sync.run import ENTITIES, backfill_portals, known_entities
from tests.support.expected.tables import (
    assert_directories_equal,
    assert_entities_equal,
    assert_history_equal,
)
from tests.support.installation import Installation, worked

LOG = "select entity_type, sync_status, error_code, error_message, finished_at from bitrix24_sync_log order by id"


def url_of(installation: Installation) -> str:
    return installation.warehouse.url.for_people(hide_password=False)


def running(installation: Installation) -> list[dict[str, Any]]:
    return installation.rows(
        "select * from bitrix24_sync_log where sync_status = 'running' or finished_at is null"
    )


def test_whole_sync_works_on_every_server(server: Any, oldest_server: Any, sandbox: Sandbox) -> None:
    """Everything lands alike on the newest and on the oldest supported PostgreSQL."""
    for one in filter(None, (server, oldest_server)):
        url = one.fresh()
        warehouse = Warehouse(url)
        installation = Installation(warehouse)
        portal = installation.add(sandbox)
        worked(installation.sync(portal))
        worked(installation.sync(portal, full=True))
        for entity in ("lead", "deal", "contact", "company"):
            assert_entities_equal(url, sandbox, entity)
        assert_directories_equal(url, sandbox)
        assert_history_equal(url, sandbox, "deal")
        warehouse.close()
        one.drop(url)


def test_fault_of_ours_ends_one_entity_and_is_reported_as_ours(
    installation: Installation, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A programming error while deals are stored is an internal error, not the portal's; all else is read."""
    portal = installation.add(sandbox)
    stored = merge.insert

    def broken(connection: Any, target: merge.Target, *args: Any) -> Any:
        if target.table == "bitrix24_deals":
            raise TypeError("row of Ivan Petrov")
        return stored(connection, target, *args)

    monkeypatch.setattr(merge, "insert", broken)
    outcomes = installation.sync(portal)
    assert isinstance(outcomes["deal"].error, InternalError)
    assert "Ivan" not in str(outcomes["deal"].error)
    assert outcomes["lead"].worked
    assert outcomes["contact"].worked
    (row,) = installation.rows(
        "select error_code, error_message from bitrix24_sync_log where sync_status = 'failed'"
    )
    assert row["error_code"] == "InternalError"
    assert "fault of b24-pipeline" in row["error_message"]


@pytest.mark.usefixtures("without_waits")
def test_failing_portal_does_not_stop_the_others(installation: Installation, sandbox: Sandbox) -> None:
    """One portal has a wrong credential, one does not answer, and the third is synced."""
    good = installation.add(sandbox)
    with Sandbox(SandboxConfig(leads=5, deals=5, seed=8)) as second:
        refused = installation.add(second.webhook_url.replace(second.config.secret, "wr0ngs3cret"), "refused")
        silent = installation.add("http://127.0.0.1:9/rest/1/s3cret/", "silent")
        second.faults.add(Fault("revoke"))
        outcomes = installation.sync(good, refused, silent, entities=("user", "deal"))
    assert outcomes["acme deal"].rows_changed == 60
    assert isinstance(outcomes["refused user"].error, CredentialRefused)
    assert isinstance(outcomes["silent user"].error, PortalUnreachable)
    assert "refused deal" not in outcomes
    assert "silent deal" not in outcomes
    assert running(installation) == []
    logged = str(installation.rows(LOG))
    assert "wr0ngs3cret" not in logged
    assert "s3cret" not in logged
    assert "CredentialRefused" in logged


def test_missing_scope_stops_its_entity_alone(installation: Installation) -> None:
    """Without the scope `user` only users are missing."""
    with Sandbox(SandboxConfig(leads=5, deals=5, scope=("crm",))) as sandbox:
        portal = installation.add(sandbox)
        outcomes = installation.sync(portal)
        with installation.connections.client(portal) as client:
            assert any("`user`" in warning for warning in probe(client).warnings)
    assert isinstance(outcomes.pop("user").error, ScopeMissing)
    worked(outcomes)
    (logged,) = [row for row in installation.rows(LOG) if row["entity_type"] == "user"]
    assert (logged["sync_status"], logged["error_code"]) == ("failed", "ScopeMissing")
    assert "tick the scopes" in logged["error_message"]


@pytest.mark.parametrize("kind", ["revoke", "portal_deleted"])
def test_error_of_the_whole_portal_ends_its_sync(
    installation: Installation, sandbox: Sandbox, kind: Any
) -> None:
    """After a refused credential or a closed portal nothing else is asked for."""
    portal = installation.add(sandbox)
    sandbox.faults.add(Fault(kind))
    outcomes = installation.sync(portal)
    assert len(outcomes) == 1
    assert len(sandbox.requests) == 1
    assert running(installation) == []


def test_log_has_the_figures_of_each_sync(installation: Installation, sandbox: Sandbox) -> None:
    """The sync log has rows, requests, operating time, watermark and run of each entity."""
    portal = installation.add(sandbox)
    outcomes = worked(installation.sync(portal, options=Options(run_id="run-1")))
    logged = {row["entity_type"]: row for row in installation.rows("select * from bitrix24_sync_log")}
    assert set(logged) == {*outcomes, "agreement"}
    for entity, outcome in outcomes.items():
        row = logged[entity]
        assert (row["sync_status"], row["run_id"], row["error_code"]) == ("success", "run-1", None)
        for figure in ("rows_read", "rows_changed", "rows_deleted", "requests", "watermark"):
            assert row[figure] == getattr(outcome, figure)
        assert row["finished_at"] >= row["started_at"]
    assert sum(row["requests"] for row in logged.values()) == sandbox.stats.requests


def test_progress_is_reported_page_by_page(installation: Installation, sandbox: Sandbox) -> None:
    """Whoever shows it gets the portal, the entity and the rows stored."""
    portal = installation.add(sandbox)
    told: list[tuple[str, str, int]] = []
    options = Options(progress=lambda *one: told.append(one))
    worked(installation.sync(portal, entities=("deal",), options=options))
    assert {one[:2] for one in told} == {("acme", "deal"), ("acme", "contact_link")}
    assert sum(one[2] for one in told if one[1] == "deal") == 60


def test_busy_entity_is_left_after_the_wait(installation: Installation, sandbox: Sandbox) -> None:
    """Another process syncs the same entity for too long: this one says so, and the other entities go on."""
    portal = installation.add(sandbox)
    with held(installation.warehouse, f"{portal.id} lead", wait_seconds=0):
        outcomes = installation.sync(portal, entities=("lead", "deal"), options=Options(lock_wait_seconds=1))
    assert isinstance(outcomes["lead"].error, SyncBusy)
    assert outcomes["deal"].worked


def test_two_syncs_of_a_portal_at_once_end_right_within_its_limits(warehouse: Warehouse) -> None:
    """Two processes share one budget: the portal refuses nothing, and the tables are its own."""
    config = SandboxConfig(leads=150, deals=150, limits=Limits(burst=30, leak_per_second=20))
    with Sandbox(config) as sandbox:
        first = Installation(warehouse, "20/second burst 30")
        second = Installation(Warehouse(url_of(first)), "20/second burst 30")
        portal = first.add(sandbox)
        with ThreadPoolExecutor(2) as both:
            done = list(both.map(lambda one: one.sync(portal), (first, second)))
        for outcomes in done:
            worked(outcomes)
        assert sandbox.stats.rejected == 0
        for entity in ("lead", "deal", "contact", "company"):
            assert_entities_equal(url_of(first), sandbox, entity)
        assert_history_equal(url_of(first), sandbox, "deal")
        second.warehouse.close()
    changed = first.rows("select sum(rows_changed) as n from bitrix24_sync_log where entity_type = 'deal'")
    assert changed == [{"n": 150}]


def test_backfill_reads_what_was_created_on_its_days(installation: Installation, sandbox: Sandbox) -> None:
    """The days are the portal's; nothing else is read, and the watermark is not touched."""
    portal = installation.add(sandbox, time_zone="Europe/Moscow")
    created = sandbox.truth.entities("deal")["DATE_CREATE"].dt.tz_convert("Europe/Moscow").dt.date
    day: date = created.iloc[20]
    outcomes = backfill_portals(installation.connections, [portal], Days(day, day), ("deal",), Options())
    assert [(outcome.entity, outcome.error) for outcome in outcomes] == [
        ("deal", None),
        ("contact_link", None),
    ]
    assert outcomes[0].rows_changed == int((created == day).sum())
    assert outcomes[0].months == {day.replace(day=1)}
    assert installation.rows("select * from bitrix24_cursors") == []


def test_unknown_entity_is_refused() -> None:
    """The error lists the known entities."""
    assert known_entities(["lead", "pipelines"]) == ("lead", "pipelines")
    with pytest.raises(UnknownEntity, match=ENTITIES[0]):
        known_entities(["leed"])


def test_disconnected_portal_is_reported(installation: Installation, sandbox: Sandbox) -> None:
    """Named though it has no credential, a portal ends in an error that says how to connect it."""
    portal = installation.add(sandbox)
    installation.portals.remove("acme", purge=False)
    outcomes = installation.sync(installation.portals.one("acme"))
    assert "no webhook credential" in str(outcomes["portal"].error)
    assert portal.name == "acme"
