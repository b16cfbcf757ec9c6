"""Assets against a sandbox portal: what is stored, and what Dagster is told."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import psycopg
import pytest
from dagster import DagsterEventType, DagsterInstance
from dagster._core.instance.ref import InstanceRef

from b24_pipeline.definitions import defs
from b24_pipeline.defs.assets.models import project
from b24_pipeline.defs.assets.partitions import cohort_key
from b24_pipeline.defs.assets.raw_tables import BY_OUTCOME
from b24_pipeline.defs.checks import COUNTED, COUNTS
from b24_pipeline.defs.instance.runless import report_outcomes
from b24_pipeline.defs.known_assets import TESTED_AT
from b24_pipeline.defs.ops.prune import prune
from b24_pipeline.defs.resources import B24
from b24_pipeline.models import build
from b24_pipeline.paths import bundled
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.sync.run import SyncRequest, sync_portals
from tests.integration.defs.assets.conftest import PORTAL, ids, materialized, run_changes
from tests.integration.defs.conftest import connect

DEALS = dg.AssetKey(["raw", "deals"])


def run_cohorts(
    instance: DagsterInstance, first: date, last: date, portals: tuple[str, str] = (PORTAL, PORTAL)
) -> dg.ExecuteInProcessResult:
    """As the UI starts a backfill of raw/deals."""
    return defs.resolve_job_def("__ASSET_JOB").execute_in_process(
        instance=instance,
        asset_selection=[DEALS],
        tags={
            "dagster/asset_partition_range_start": cohort_key(first, portals[0]),
            "dagster/asset_partition_range_end": cohort_key(last, portals[1]),
        },
        raise_on_error=False,
    )


def test_changes_copies_the_portal_and_builds_the_models(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """One run leaves the database as the portal is, and says so with figures."""
    result = run_changes(instance)
    assert result.success
    for entity, table in {"lead": "bitrix24_leads", "deal": "bitrix24_deals"}.items():
        assert ids(installation, table) == sorted(sandbox.truth.entities(entity)["ID"])
    told = materialized(result)
    assert set(told) >= {"raw/changes", "raw/deals", "raw/status_history", "raw/stages", *project.models}
    assert told["raw/changes"]["rows_read"] > 140
    assert told["raw/changes"]["requests"] > 0
    assert told["raw/stages"]["dagster/partition_row_count"] > 5
    assert told["raw/deals"]["watermark"]
    columns = {column.name: column for column in told["raw/deals"]["dagster/column_schema"].columns}
    assert (columns["id"].constraints.nullable, columns["opportunity"].constraints.nullable) == (False, True)
    assert told["int_entity"]["dagster/row_count"] == 140
    funnel = told["funnel_stats"]
    assert "data:image/svg+xml;base64," in funnel["funnel"]
    assert any(name.startswith("acme, deal, ") and " → " in str(text) for name, text in funnel.items())
    evaluated = result.get_asset_check_evaluations()
    assert {check.check_name for check in evaluated if not check.passed} == set()
    keys = {check.asset_check_key for check in evaluated}
    assert keys == set(defs.resolve_asset_graph().asset_check_keys)
    assert len(evaluated) == len(keys)


def test_the_first_read_proves_the_months_that_hold_rows(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """Afterwards the UI shows those months of the portal as materialized, and no others."""
    assert run_changes(instance).success
    created = sandbox.truth.entities("deal")["DATE_CREATE"].dt.tz_convert("Europe/Moscow")
    months = {date(moment.year, moment.month, 1) for moment in created}
    for table in ("deals", "status_history"):
        key = dg.AssetKey(["raw", table])
        latest = instance.event_log_storage.get_latest_storage_id_by_partition(
            key, DagsterEventType.ASSET_MATERIALIZATION
        )
        assert set(latest) >= {cohort_key(month, PORTAL) for month in months}
        assert table == "status_history" or len(latest) == len(months)


def test_a_range_of_cohorts_is_read_in_one_run(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """Exactly the deals created in the range arrive, and each of its months is materialized."""
    created = sandbox.truth.entities("deal")[["ID", "DATE_CREATE"]]
    local = created["DATE_CREATE"].dt.tz_convert("Europe/Moscow")
    expected = created[(local >= "2026-08-01") & (local < "2026-10-01")]["ID"]
    first, last = date(2026, 8, 1), date(2026, 9, 1)
    assert run_cohorts(instance, first, last).success
    assert ids(installation, "bitrix24_deals") == sorted(expected)
    assert ids(installation, "bitrix24_leads") == []
    assert instance.get_materialized_partitions(DEALS) == {
        cohort_key(first, PORTAL),
        cohort_key(last, PORTAL),
    }


@pytest.mark.parametrize("is_refused", [False, True])
def test_cohorts_of_two_portals_are_read_in_one_run(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox, is_refused: bool
) -> None:
    """As a backfill of one month for all portals is; a refused credential fails the run, and its own part alone."""
    month = date(2026, 9, 1)
    instance.add_dynamic_partitions("portals", ["globex"])
    with Sandbox(SandboxConfig(leads=0, deals=40, seed=9)) as other:
        credential = other.webhook_url
        connect(installation, f"{credential[:-2]}x/" if is_refused else credential, "globex")
        result = run_cohorts(instance, month, month, (PORTAL, "globex"))
        assert result.success is not is_refused
    warned = [log.user_message for log in instance.all_logs(result.run_id) if log.level == logging.WARNING]
    assert any(text.startswith("globex: ") for text in warned) is is_refused
    read = {cohort_key(month, PORTAL)} | (set() if is_refused else {cohort_key(month, "globex")})
    assert instance.get_materialized_partitions(DEALS) == read
    if not is_refused:
        rows = [int(str(told.metadata["dagster/partition_row_count"].value)) for told in of_deals(result)]
        assert len(rows) == 2
        assert sum(rows) == len(ids(installation, "bitrix24_deals"))


def of_deals(result: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    found = [e.materialization for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION"]
    return [event for event in found if event.asset_key == DEALS]


def test_what_the_commands_did_is_reported_without_a_run(
    installation: Runtime, database_url: str, sandbox: Sandbox
) -> None:
    """Nothing where Dagster was never used; else cohorts, directories, models and their tests."""
    portals = installation.portals.named()
    outcomes = sync_portals(installation.connections, portals, SyncRequest(), installation.options())
    built = build(installation.warehouse.connect, project)
    assert not report_outcomes(installation.settings, outcomes, built)
    with DagsterInstance.from_ref(instance_ref(installation)) as instance:
        assert instance.get_runs_count() == 0
        assert report_outcomes(installation.settings, outcomes, built)
        assert instance.get_dynamic_partitions("portals") == [PORTAL]
        assert len(instance.get_materialized_partitions(DEALS)) > 3
        assert instance.get_materialized_partitions(dg.AssetKey(["raw", "stages"])) == {PORTAL}
        event = instance.get_latest_materialization_event(dg.AssetKey(["funnel_stats"]))
        assert event
        assert event.asset_materialization
        assert "funnel" in event.asset_materialization.metadata
        assert counted(instance) == {"leads": True, "deals": True, "contacts": True, "companies": True}
    with psycopg.connect(database_url) as connection:
        query = "select count(*) from information_schema.tables where table_schema = 'public' and table_name = 'runs'"
        assert connection.execute(query).fetchone() == (0,)


def counted(instance: DagsterInstance) -> dict[str, bool]:
    """Whether there are as many rows as the portal counts, by table."""
    keys = [dg.AssetCheckKey(BY_OUTCOME[entity].key, COUNTS) for entity in COUNTED]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    evaluations = [record.evaluation for record in latest.values() if record.evaluation]
    assert all(TESTED_AT in evaluation.metadata for evaluation in evaluations)
    return {evaluation.asset_key.path[-1]: evaluation.passed for evaluation in evaluations}


def test_a_name_that_dagster_takes_for_a_range_is_left_out(installation: Runtime) -> None:
    """A portal of an earlier version may have it: commands read it, and the other portals go on in Dagster."""
    with installation.warehouse.connect() as connection:
        connection.execute("update user_accounts set name = 'a...b'")
    outcomes = sync_portals(
        installation.connections, installation.portals.named(), SyncRequest(), installation.options()
    )
    assert {outcome.portal for outcome in outcomes if outcome.worked} == {"a...b"}
    assert B24().connected_portals() == []
    with DagsterInstance.from_ref(instance_ref(installation)) as instance:
        assert report_outcomes(installation.settings, outcomes)
        assert instance.get_dynamic_partitions("portals") == []


def test_old_runs_go_unless_they_hold_the_last_word(installation: Runtime, instance: DagsterInstance) -> None:
    """Two of three runs are superseded by the last; a cohort that nobody read again keeps its run."""
    job = defs.resolve_job_def("pipelines")
    runs = [job.execute_in_process(instance=instance).run_id for _ in range(3)]
    other = run_cohorts(instance, date(2026, 8, 1), date(2026, 8, 1)).run_id
    assert prune(instance, datetime.now(UTC) + timedelta(hours=1)) == 2
    assert {run.run_id for run in instance.get_runs()} == {runs[2], other}


def instance_ref(runtime: Runtime) -> InstanceRef:
    """As dagster.yaml makes it."""
    home = runtime.settings.b24_home
    return InstanceRef.from_dir(str(home), config_dir=str(bundled("dagster.yaml").parent))
