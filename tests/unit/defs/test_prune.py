"""Old runs are deleted: all of them where Dagster is ours, in a project of somebody else those of our jobs."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.definitions import defs
from b24_pipeline.defs.ops import prune
from b24_pipeline.defs.resources import B24


@pytest.mark.parametrize(("is_embedded", "left"), [(False, 1), (True, 3)])
def test_runs_of_others_stay(is_embedded: bool, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last run of each job stays in any case."""
    monkeypatch.setattr(prune, "KEEP_DAYS", -1)
    with DagsterInstance.ephemeral() as instance:
        for job in ("checks", "theirs"):
            for _ in range(3):
                instance.add_run(dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.SUCCESS))
        resources = {"b24": B24.of(is_embedded=is_embedded)}
        with dg.build_op_context(instance=instance, resources=resources) as context:
            prune.prune_runs(context)
        assert Counter(run.job_name for run in instance.get_runs()) == {"checks": 1, "theirs": left}


@dg.op
def says_something() -> None:
    sys.stdout.write("something\n")


@dg.job
def talking() -> None:
    says_something()


def test_what_runs_printed_is_deleted_with_them(tmp_path: Path) -> None:
    """Dagster keeps the output of each step in files, and leaves those of a deleted run where they are."""
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        runs = [talking.execute_in_process(instance=instance).run_id for _ in range(3)]
        assert printed_by(tmp_path) == set(runs)
        assert prune.prune(instance, datetime.now(UTC) + timedelta(days=1)) == 2
        assert printed_by(tmp_path) == {runs[-1]} == {run.run_id for run in instance.get_runs()}


def printed_by(home: Path) -> set[str]:
    """The runs of which files are kept."""
    return {path.parent.parent.name for path in home.rglob("compute_logs/*.out")}


def test_our_jobs_are_known() -> None:
    """Each job of the definitions is pruned, wherever they are."""
    assert set(prune.OUR_JOBS) == {job.name for job in defs.jobs or ()}
