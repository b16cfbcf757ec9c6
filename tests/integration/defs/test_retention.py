"""Dagster's own tables do not grow: whatever runs each day, after some days as much goes each night as came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from psycopg import sql

from b24_pipeline.defs.ops import prune
from b24_pipeline.defs.resources import B24
from b24_pipeline.runtime import Runtime

OUR_STORAGE = {
    "custom": {"module": "b24_pipeline.defs.instance.storage", "class": "OurStorage", "config": {}}
}
DATED = (
    ("runs", "update_timestamp"),
    ("event_logs", "timestamp"),
    ("asset_check_executions", "evaluation_event_timestamp"),
)
MONTH = "2026-10-01"


@dg.asset(tags={"kept": "yes"})
def rows() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(tags={"seen": "yes"}, check_results=[])


@dg.asset_check(asset=rows)
def whole() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.op
def fails() -> None:
    raise dg.Failure("the portal refuses")


@dg.job
def drain() -> None:
    fails()


@pytest.fixture
def stored(installation: Runtime, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster with its storage in the database of our data, as dagster.yaml says."""
    assert installation
    with dg.instance_for_test(overrides={"storage": OUR_STORAGE}, temp_dir=str(tmp_path)) as instance:
        yield instance


def test_as_much_goes_each_night_as_came(
    stored: dg.DagsterInstance, installation: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that end well, runs that fail, results of checks, and what commands report; the last of each is kept."""
    monkeypatch.setattr(prune, "KEEP_DAYS", 2)
    monkeypatch.setattr(prune, "KEEP_FAILED_DAYS", 3)
    sizes = []
    for _ in range(7):
        a_day(stored)
        a_day_later(installation)
        prune_runs(stored)
        sizes.append(rows_of_each_table(installation))
    assert sizes[-1] == sizes[-3], "grows"
    assert sizes[-1]["event_logs"] > sizes[0]["event_logs"], "the last days are kept"
    for _ in range(5):
        a_day_later(installation)
    prune_runs(stored)
    assert rows_of_each_table(installation)["asset_check_executions"] == 2, "the last result of each check"
    assert stored.get_latest_materialization_event(rows.key)
    assert (
        len(
            stored.fetch_materializations(dg.AssetRecordsFilter(dg.AssetKey("raw"), [MONTH]), limit=9).records
        )
        == 1
    )


def a_day(instance: dg.DagsterInstance) -> None:
    """What happens in one: a run with a check, a run that fails, and a command that reports without a run."""
    assert dg.materialize([rows, whole], instance=instance).success
    assert not drain.execute_in_process(instance=instance, raise_on_error=False).success
    for event in (
        dg.AssetMaterialization("raw", partition=MONTH, tags={"seen": "yes"}),
        dg.AssetCheckEvaluation(asset_key=dg.AssetKey("raw"), check_name="read", passed=True),
    ):
        instance.report_runless_asset_event(event)


def a_day_later(runtime: Runtime) -> None:
    """All that is stored happened a day earlier than it did."""
    with runtime.warehouse.connect() as connection:
        for table, column in DATED:
            connection.execute(
                sql.SQL("update dagster.{} set {column} = {column} - interval '1 day'").format(
                    sql.Identifier(table), column=sql.Identifier(column)
                )
            )


def prune_runs(instance: dg.DagsterInstance) -> None:
    """As the job `maintenance` does."""
    with dg.build_op_context(instance=instance, resources={"b24": B24.of()}) as context:
        prune.prune_runs(context)
        prune.prune_left_events(context)


def rows_of_each_table(runtime: Runtime) -> dict[str, int]:
    """How many rows Dagster has in each of its tables."""
    with runtime.warehouse.connect() as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = 'dagster'").fetchall()
        return {
            name: connection.execute(
                sql.SQL("select count(*) from dagster.{}").format(sql.Identifier(name))
            ).fetchone()[0]  # type: ignore[index]
            for (name,) in names
        }
