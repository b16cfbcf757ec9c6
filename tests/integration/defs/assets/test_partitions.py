"""Months of creation are materialized where a read proved them, and only there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEventType, DagsterInstance
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.partition_status_cache import build_failed_and_in_progress_partition_subset

from b24_pipeline.defs.assets.partitions import COHORTS, cohort_key, days_of_months, months_within
from b24_pipeline.defs.assets.raw_tables import CHANGES, COHORT_TABLES
from b24_pipeline.defs.instance.runless import report_outcomes
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.sync.crm.scope import Days
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.run import SyncRequest, backfill_portals, reconcile_portals, sync_portals
from tests.integration.defs.assets.conftest import run_changes
from tests.integration.defs.assets.test_crm import instance_ref, run_cohorts
from tests.integration.defs.conftest import PORTAL, connect
from tests.support.installation import fetch

DEALS = dg.AssetKey(["raw", "deals"])


@pytest.fixture
def changing(installation: Runtime) -> Iterator[Sandbox]:
    """`acme` is a portal that this test changes."""
    with Sandbox(SandboxConfig(leads=20, deals=60, seed=11)) as portal:
        connect(installation, portal.webhook_url, "changing")
        yield portal


@pytest.fixture
def stored(installation: Runtime) -> Iterator[DagsterInstance]:
    """Dagster's storage in our database, which commands report to."""
    with DagsterInstance.from_ref(instance_ref(installation)) as instance:
        yield instance


def full(runtime: Runtime, name: str = PORTAL) -> list[Outcome]:
    portals = runtime.portals.named([name])
    return sync_portals(runtime.connections, portals, SyncRequest(full=True), runtime.options())


def counts(runtime: Runtime, table: str, name: str = PORTAL) -> dict[str, int]:
    """The rows of each cohort that has any, counted beside our own code."""
    created, alive = (
        ("changed_at", "") if table.endswith("history") else ("date_create", " and deleted_at is null")
    )
    query = (
        f"select date_trunc('month', {created} at time zone 'Europe/Moscow')::date as month, count(*) as rows"
        f" from {table} join user_accounts on user_accounts.id = user_account_id"
        f" where user_accounts.name = %s{alive} group by 1"
    )
    rows = {row["month"]: row["rows"] for row in fetch(runtime.warehouse, query, name)}
    return {cohort_key(month, name): number for month, number in rows.items()}


def painted(instance: DagsterInstance, key: dg.AssetKey) -> dict[str, Any]:
    """The rows that the last materialization of each partition tells."""
    found = {}
    for partition in instance.get_materialized_partitions(key):
        record = instance.fetch_materializations(
            dg.AssetRecordsFilter(key, asset_partitions=[partition]), limit=1
        ).records[0]
        assert record.asset_materialization
        found[partition] = record.asset_materialization.metadata["dagster/partition_row_count"].value
    return found


def test_a_full_sync_by_command_paints_the_months_with_rows(
    installation: Runtime, stored: DagsterInstance
) -> None:
    """Each with the number of its rows, also where none has changed since; and no other month."""
    full(installation)
    assert report_outcomes(installation.settings, full(installation))
    assert len(stored.fetch_materializations(DEALS, limit=1000).records) == len(painted(stored, DEALS))
    for table in COHORT_TABLES:
        expected = counts(installation, table.table)
        assert painted(stored, table.key) == expected
        assert len(expected) > 3 or table.name in ("contacts", "companies")


def test_a_change_paints_nothing(installation: Runtime, stored: DagsterInstance, changing: Sandbox) -> None:
    """A change is an observation of its month; after the next comparison all months are known."""
    full(installation, "changing")
    stored.report_runless_asset_event(dg.AssetMaterialization(CHANGES, partition="changing"))
    deals = changing.truth.entities("deal")
    open_deals = deals[
        (deals["CATEGORY_ID"] == 0) & (deals["STAGE_ID"] != "WON") & (deals["IS_RECURRING"] != "Y")
    ]
    changing.move("deal", int(open_deals["ID"].iloc[0]), "WON", 0)
    portals = installation.portals.named(["changing"])
    changed = sync_portals(installation.connections, portals, SyncRequest(), installation.options())
    assert report_outcomes(installation.settings, changed)
    assert painted(stored, DEALS) == {}
    assert stored.get_latest_storage_id_by_partition(DEALS, DagsterEventType.ASSET_OBSERVATION)
    for _ in range(2):
        compared = reconcile_portals(installation.connections, portals, installation.options())
        assert report_outcomes(installation.settings, compared)
        for table in COHORT_TABLES:
            assert painted(stored, table.key) == counts(installation, table.table, "changing")
    told = stored.fetch_materializations(DEALS, limit=1000).records
    assert len(told) == len(painted(stored, DEALS))


def test_the_first_report_of_a_portal_tells_what_was_proved_before(
    installation: Runtime, stored: DagsterInstance
) -> None:
    """A portal that was read long before Dagster was started does not look unread."""
    full(installation)
    portals = installation.portals.named()
    changed = sync_portals(installation.connections, portals, SyncRequest(), installation.options())
    assert report_outcomes(installation.settings, changed)
    for table in COHORT_TABLES:
        assert painted(stored, table.key) == counts(installation, table.table)


def test_a_backfill_of_days_proves_complete_months_only(
    installation: Runtime, stored: DagsterInstance
) -> None:
    """Half of a month proves nothing of the month."""
    days = Days(date(2026, 8, 15), date(2026, 9, 30))
    portals = installation.portals.named()
    outcomes = backfill_portals(installation.connections, portals, days, (), installation.options())
    assert report_outcomes(installation.settings, outcomes)
    assert set(painted(stored, DEALS)) == {cohort_key(date(2026, 9, 1), PORTAL)}


def test_a_run_that_reads_changes_paints_no_month_again(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """The first run reads everything, the second nothing: the log grows by no month, until `full` is set."""
    assert run_changes(instance).success
    before = len(instance.fetch_materializations(DEALS, limit=1000).records)
    assert before == len(instance.get_materialized_partitions(DEALS))
    assert run_changes(instance).success
    assert len(instance.fetch_materializations(DEALS, limit=1000).records) == before > 3
    assert run_changes(instance, full=True).success
    assert len(instance.fetch_materializations(DEALS, limit=1000).records) == 2 * before


def failed(instance: DagsterInstance) -> set[str]:
    """The months of deals that the UI shows as failed."""
    with partition_loading_context(dynamic_partitions_store=instance):
        red, _, _ = build_failed_and_in_progress_partition_subset(instance, DEALS, COHORTS, sys.maxsize)
    return set(red.get_partition_keys())


def test_a_month_that_failed_is_painted_by_whatever_proves_it(
    installation: Runtime, stored: DagsterInstance, changing: Sandbox
) -> None:
    """A full read, a backfill, a comparison of all rows, and changes after one: also a month without a row."""
    name, months = "changing", [date(2013, 5, 1), date(2013, 6, 1)]
    keys = {cohort_key(month, name) for month in months}
    portals = installation.portals.named([name])
    report_outcomes(installation.settings, [])

    def fail() -> None:
        connect(installation, f"{changing.webhook_url[:-2]}x/", name)
        assert not run_cohorts(stored, months[0], months[-1], (name, name)).success
        connect(installation, changing.webhook_url, name)
        assert failed(stored) == keys

    def backfilled() -> list[Outcome]:
        days = Days(months[0], date(2013, 6, 30))
        return backfill_portals(installation.connections, portals, days, (), installation.options())

    def compared() -> list[Outcome]:
        return reconcile_portals(installation.connections, portals, installation.options(), whole=True)

    proofs: list[Callable[[], list[Outcome]]] = [lambda: full(installation, name), backfilled, compared]
    for prove in proofs:
        fail()
        assert report_outcomes(installation.settings, prove())
        assert failed(stored) == set()
        assert {painted(stored, DEALS)[key] for key in keys} == {0}
    fail()
    assert run_changes(stored, name).success
    assert failed(stored) == keys
    compared()
    assert run_changes(stored, name).success
    assert failed(stored) == set()


def test_a_backfill_by_command_paints_the_months_without_rows_too(
    installation: Runtime, stored: DagsterInstance
) -> None:
    """Like one in the UI: it has looked, and found none."""
    days = Days(date(2014, 1, 1), date(2014, 3, 31))
    portals = installation.portals.named()
    outcomes = backfill_portals(installation.connections, portals, days, (), installation.options())
    assert report_outcomes(installation.settings, outcomes)
    for table in COHORT_TABLES:
        expected = {cohort_key(date(2014, month, 1), PORTAL): 0 for month in (1, 2, 3)}
        assert painted(stored, table.key) == expected


def test_months_within_days() -> None:
    """Days that begin or end within a month hold less of it than all."""
    assert months_within((date(2026, 8, 15), date(2026, 10, 1))) == (date(2026, 9, 1), date(2026, 10, 1))
    assert months_within((date(2026, 9, 1), date(2026, 10, 5))) == (date(2026, 9, 1), date(2026, 10, 1))
    assert months_within((date.min, date.max)) == (date.min, date.max)
    assert days_of_months([date(2026, 12, 1), date(2026, 11, 1)]) == [(date(2026, 11, 1), date(2027, 1, 1))]
