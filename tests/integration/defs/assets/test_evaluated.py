"""Checks are green when things are good, whoever wrote last: a schedule, an event, the night, a command."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from b24_pipeline.bitrix.events.inbound import parse_event
from b24_pipeline.definitions import defs
from b24_pipeline.defs.assets.models import project
from b24_pipeline.defs.assets.raw_tables import COHORT_TABLES
from b24_pipeline.defs.checks import find_orphans
from b24_pipeline.defs.instance.runless import report_outcomes
from b24_pipeline.defs.known_assets import TESTED_AT
from b24_pipeline.defs.ops import drain
from b24_pipeline.defs.ops.portals_run import PortalsRun, PortalTask
from b24_pipeline.defs.resources import B24
from b24_pipeline.models import build
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.sync.own_leads.match import match_portals
from b24_pipeline.sync.run import SyncRequest, sync_portal, sync_portals
from tests.integration.defs.assets.test_crm import instance_ref
from tests.integration.defs.assets.test_partitions import counts
from tests.integration.defs.conftest import PORTAL, connect
from tests.support.data.events import body
from tests.support.installation import execute

OTHER = "changing"
CHECKS = defs.resolve_asset_graph().asset_check_keys


@pytest.fixture
def portal(installation: Runtime) -> Iterator[Sandbox]:
    """A portal that this test changes, beside `acme`."""
    with Sandbox(SandboxConfig(leads=20, deals=30, seed=4)) as sandbox:
        connect(installation, sandbox.webhook_url, OTHER)
        yield sandbox


@pytest.fixture
def stored(installation: Runtime) -> Iterator[DagsterInstance]:
    """Dagster's storage in our database, which commands report to."""
    with DagsterInstance.from_ref(instance_ref(installation)) as instance:
        instance.add_dynamic_partitions("portals", [PORTAL, OTHER])
        yield instance


def not_green(instance: DagsterInstance) -> dict[str, str]:
    """The checks that the UI does not show as passed for the last materialization of their assets, and why."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(CHECKS))
    are_of_latest = asyncio.run(are_of_latest_materialization(instance, latest))
    found = {}
    for key in CHECKS:
        record = latest.get(key)
        if record is None or record.evaluation is None:
            found[key.to_user_string()] = "not evaluated"
        elif not record.evaluation.passed:
            found[key.to_user_string()] = str(record.evaluation.description)
        elif not are_of_latest[key]:
            found[key.to_user_string()] = "of an earlier materialization"
    return found


def not_fresh(instance: DagsterInstance) -> dict[str, list[str]]:
    """The assets that the UI calls "Unsynced", or that were never told, and why."""
    graph = defs.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {
        key.to_user_string(): [str(cause.reason) for cause in resolver.get_stale_causes(key)]
        for key in graph.materializable_asset_keys
        if resolver.get_status(key) != StaleStatus.FRESH
    }


async def are_of_latest_materialization(
    instance: DagsterInstance, records: Mapping[dg.AssetCheckKey, Any]
) -> dict[dg.AssetCheckKey, bool]:
    """Whether each evaluation is of the last materialization of its asset, as the UI asks for it: all at once."""
    context = LoadingContextForTest(instance)
    answers = await asyncio.gather(
        *(record.targets_latest_materialization(context) for record in records.values())
    )
    return dict(zip(records, answers, strict=True))


def run(instance: DagsterInstance, job: str) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(instance=instance)


def drain_in_steps(instance: DagsterInstance, *steps: Sequence[Callable[[], None]]) -> list[int]:
    """Drains after each step, all in one run; checks are green each time. How many checks each has told."""
    told: list[int] = []

    @dg.op
    def drain_often(context: dg.OpExecutionContext, b24: B24) -> None:
        with b24.opened() as runtime:
            drained = drain.DrainRun(context, b24, runtime)
            for step in steps:
                for act in step:
                    act()
                before = told_at(instance)
                drained.work()
                assert not_green(instance) == {}, len(told)
                told.append(sum(before[key] != moment for key, moment in told_at(instance).items()))

    @dg.job(executor_def=dg.in_process_executor)
    def often() -> None:
        drain_often()

    assert often.execute_in_process(instance=instance, resources={"b24": B24()}).success
    return told


def read_twice(instance: DagsterInstance, *acts: Callable[[], None]) -> None:
    """One run that reads and builds after each act, as one does while a portal hangs."""

    @dg.op
    def read_often(context: dg.OpExecutionContext, b24: B24) -> None:
        with b24.opened() as runtime:
            task = PortalTask(
                lambda job: sync_portal(job, SyncRequest()), lambda *given: iter(()), builds=True
            )
            reading = PortalsRun(context, b24, runtime, task)
            for act in acts:
                act()
                reading.work([OTHER])

    @dg.job(executor_def=dg.in_process_executor)
    def often() -> None:
        read_often()

    assert often.execute_in_process(instance=instance, resources={"b24": B24()}).success


def all_metadata(instance: DagsterInstance) -> set[str]:
    """The names of all metadata that checks were told with last."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(CHECKS))
    return {name for record in latest.values() if record.evaluation for name in record.evaluation.metadata}


def told_at(instance: DagsterInstance) -> dict[dg.AssetCheckKey, float]:
    """When each check was told last."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(CHECKS))
    return {key: record.event.timestamp for key, record in latest.items() if record.event}


def land(runtime: Runtime, *numbers: int) -> None:
    account = runtime.portals.one(OTHER).id
    Landing(runtime.warehouse).land(
        [(account, parse_event(body("ONCRMDEALUPDATE", number))) for number in numbers]
    )


def test_checks_are_green_whoever_wrote_last(
    installation: Runtime, stored: DagsterInstance, portal: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that the last writer did not look at is reported with its last result, and with the time of that."""
    monkeypatch.setattr(drain, "LINGER_SECONDS", 0.5)
    assert run(stored, "changes").success
    assert not_green(stored) == {}

    deals = portal.truth.entities("deal")
    chosen = deals[(deals["STAGE_ID"] != "WON") & (deals["IS_RECURRING"] != "Y")]["ID"]
    number, *others = map(int, chosen[:8])
    spare = others[4:]

    def move(deal: int, *, lands: bool) -> None:
        portal.move("deal", deal, "WON", 0)
        if lands:
            land(installation, deal)

    def interrupt() -> None:
        """Another run builds the marts and tells their checks while the drain waits."""
        move(others[1], lands=False)
        assert run(stored, "changes").success

    told = drain_in_steps(
        stored,
        [lambda: move(number, lands=True)],
        [lambda: move(others[0], lands=True)],
        [interrupt, lambda: move(others[2], lands=True)],
        [lambda: move(others[3], lands=True)],
    )
    assert [checks > 0 for checks in told] == [True, False, True, False]
    assert TESTED_AT in all_metadata(stored)

    def overtake() -> None:
        """A drain tells marts and their checks between two builds of the run."""
        drain_in_steps(stored, [lambda: move(spare[0], lands=True)])
        move(spare[1], lands=False)

    read_twice(stored, lambda: move(spare[2], lands=False), overtake)
    assert not_green(stored) == {}

    assert run(stored, "cohorts").success
    assert (not_green(stored), not_fresh(stored)) == ({}, {})

    outcomes = sync_portals(
        installation.connections,
        installation.portals.named(),
        SyncRequest(full=True),
        installation.options(),
    )
    built = build(installation.warehouse.connect, project)
    assert report_outcomes(installation.settings, outcomes, built)
    assert (not_green(stored), not_fresh(stored)) == ({}, {})

    with installation.warehouse.connect() as connection:
        assert "deleted stages, with as many as in the portal" in find_orphans(connection, "deal").metadata
        connection.execute("update bitrix24_deals set stage_id = 'NOWHERE' where id = %s", (number,))
        lost = find_orphans(connection, "deal")
    assert not lost.passed
    assert "1 in 0/NOWHERE" in str(lost.description)


def test_what_commands_did_before_is_known_after_the_first_run(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """Whoever starts Dagster on a database that is filled sees months, tables and checks, though nothing changed."""
    portals = installation.portals.named([PORTAL])
    sync_portals(installation.connections, portals, SyncRequest(), installation.options())
    execute(
        installation.warehouse,
        "insert into leads (user_account_id, phone) select user_account_id, phones -> 0 ->> 'VALUE'"
        " from bitrix24_contacts where phones -> 0 ->> 'VALUE' is not null",
    )
    match_portals(installation.connections, portals, installation.options())
    build(installation.warehouse.connect, project)
    assert run(instance, "changes").success
    assert (not_green(instance), not_fresh(instance)) == ({}, {})
    for table in COHORT_TABLES:
        assert instance.get_materialized_partitions(table.key) == set(counts(installation, table.table))
    matched = dg.AssetKey(["own", "lead_matches"])
    assert instance.get_materialized_partitions(matched) == {PORTAL}
    told = {key.path[-1] for key in materialized_by(run(instance, "changes"))}
    assert told == {"changes", "reconciliation"}


def materialized_by(result: dg.ExecuteInProcessResult) -> set[dg.AssetKey]:
    events = [e for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION"]
    return {event.asset_key for event in events if event.asset_key}


def test_each_check_says_what_it_proves() -> None:
    """Also those that are made from columns of a model; few, since each is an event whenever it is told."""
    graph = defs.resolve_asset_graph()
    specs = {key: graph.get_check_spec(key) for key in CHECKS}
    assert all(spec.description for spec in specs.values())
    (columns,) = [
        spec for key, spec in specs.items() if key.to_user_string() == "funnel_stats:columns_are_sound"
    ]
    assert "Never empty: amounts_by_currency, category_id" in str(columns.description)
    assert len(specs) < len(graph.materializable_asset_keys)
