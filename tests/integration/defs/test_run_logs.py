"""What our code logs in a run of Dagster is JSON with the id of the run, as the sync log has it, and masked."""

from __future__ import annotations

import json
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.definitions import defs
from b24_pipeline.defs.resources import B24
from b24_pipeline.log import logger
from b24_pipeline.runtime import Runtime
from tests.integration.defs.conftest import PORTAL
from tests.support.installation import fetch
from tests.support.servers.web_service import CANARY


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith('{"')]


@dg.op(required_resource_keys={"b24"})
def logs_something() -> None:
    logger("here").warning("something", told=f"https://acme.bitrix24.com/rest/1/{CANARY}/profile")


@dg.job(resource_defs={"b24": B24.of()})
def logging_job() -> None:
    logs_something()


@dg.job(resource_defs={"b24": B24.of(is_embedded=True)})
def embedded_job() -> None:
    logs_something()


@pytest.mark.usefixtures("installation")
def test_lines_carry_the_id_of_the_run(instance: DagsterInstance, capfd: pytest.CaptureFixture[str]) -> None:
    """Secrets in it are masked; the log of somebody else's project is left as that project has it."""
    for _ in range(2):
        run = logging_job.execute_in_process(instance=instance).run_id
        written = lines(capfd)
        assert [(line["event"], line["run"]) for line in written] == [("something", run)]
        assert CANARY not in str(written)
    embedded_job.execute_in_process(instance=instance)
    assert lines(capfd) == []


def test_the_sync_log_has_the_same_id(installation: Runtime, instance: DagsterInstance) -> None:
    """So that rows of the log, lines, and the run in Dagster's UI are found by one another."""
    job = defs.resolve_job_def("pipelines")
    (op,) = job.graph.node_names()
    config = {"ops": {op: {"config": {"portals": [PORTAL]}}}}
    run = job.execute_in_process(run_config=config, instance=instance)
    assert run.success
    stored = fetch(installation.warehouse, "select distinct run_id from bitrix24_sync_log")
    assert stored == [{"run_id": run.run_id}]
