"""Runs of the assets, and what they leave in the database and in Dagster."""

from __future__ import annotations

from typing import Any

import dagster as dg
import psycopg
from dagster import DagsterInstance

from b24_pipeline.definitions import defs
from b24_pipeline.defs.resources import B24
from b24_pipeline.runtime import Runtime

RESOURCES = {"b24": B24()}
PORTAL = "acme"


def ids(runtime: Runtime, table: str) -> list[int]:
    with runtime.warehouse.connect() as connection:
        query = psycopg.sql.SQL("select id from {} where deleted_at is null order by id")
        return [number for (number,) in connection.execute(query.format(psycopg.sql.Identifier(table)))]


def run_changes(
    instance: DagsterInstance, portal: str = PORTAL, *, full: bool = False
) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("changes")
    config = {"ops": {"read_changes": {"config": {"portals": [portal], "full": full}}}}
    return job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    found = [e.materialization for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION"]
    return {m.asset_key.to_user_string(): {k: v.value for k, v in m.metadata.items()} for m in found}


def observed(result: dg.ExecuteInProcessResult) -> set[str]:
    found = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
    return {e.asset_observation_data.asset_observation.asset_key.to_user_string() for e in found}
