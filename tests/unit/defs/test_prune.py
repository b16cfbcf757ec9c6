"""Old runs are deleted: all of them where Dagster is ours, in a project of somebody else those of our jobs."""

from __future__ import annotations

from collections import Counter

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


def test_our_jobs_are_known() -> None:
    """Each job of the definitions is pruned, wherever they are."""
    assert set(prune.OUR_JOBS) == {job.name for job in defs.jobs or ()}
