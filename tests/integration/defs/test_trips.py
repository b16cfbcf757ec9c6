"""The way of a row from its asset or command to the merge stays short: who follows it reads few files."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from concurrent.futures import Future
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance
from typer.testing import CliRunner

from b24_pipeline.cli import app
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.crm import merge
from b24_pipeline.sync import parallel
from tests.integration.defs.assets.test_crm import run_cohorts

PACKAGE = Path(merge.__file__).parents[2]
MOST_FILES = 8


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The files of the package that each call of the merge has passed on its way."""
    seen: list[list[str]] = []
    stored = merge.insert

    def noting(*args: Any, **kwargs: Any) -> Any:
        files = [Path(frame.filename) for frame in traceback.extract_stack()]
        inside = [str(file.relative_to(PACKAGE)) for file in files if file.is_relative_to(PACKAGE)]
        seen.append(list(dict.fromkeys(inside)))
        return stored(*args, **kwargs)

    monkeypatch.setattr(merge, "insert", noting)
    monkeypatch.setattr(parallel, "ThreadPoolExecutor", InThisThread)
    return seen


class InThisThread:
    """A pool that works at once, so that the way leads through one stack."""

    def __init__(self, _workers: int) -> None:
        pass

    def submit(self, work: Callable[[Any], Any], item: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(item))
        return done

    def shutdown(self, *, wait: bool, cancel_futures: bool) -> None:
        pass


def test_backfill_of_a_partition_passes_few_files(
    installation: Runtime, instance: DagsterInstance, passed: list[list[str]]
) -> None:
    """From `raw/deals` in the Dagster UI to the merge."""
    assert run_cohorts(instance, date(2026, 9, 1), date(2026, 9, 1)).success
    assert passed
    assert passed[0][0] == "defs/assets/crm.py"
    assert max(map(len, passed)) <= MOST_FILES


@pytest.mark.usefixtures("installation")
def test_sync_by_command_passes_few_files(passed: list[list[str]]) -> None:
    """From `b24 sync` to the merge."""
    result = CliRunner().invoke(app, ["sync", "--no-models"])
    assert result.exit_code == 0, result.output
    assert passed
    assert passed[0][0] == "commands/sync.py"
    assert max(map(len, passed)) <= MOST_FILES
