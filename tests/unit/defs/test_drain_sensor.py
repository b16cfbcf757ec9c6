"""When a drain of events is started."""

from __future__ import annotations

import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus

from b24_pipeline.defs.ops.drain import MOST_SECONDS
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.sensors import MOST_DRAINS, inbound_events
from b24_pipeline.store.events.backlog import Waiting

STARTED, FAILURE = DagsterRunStatus.STARTED, DagsterRunStatus.FAILURE


class Due(B24):
    """An installation whose landing table has events, or has none, without a database."""

    due: bool = True

    def waiting_events(self) -> Waiting:
        return Waiting(is_due=self.due)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as made:
        yield made


def starts(instance: DagsterInstance, *, due: bool = True) -> bool:
    """Whether the sensor asks for a run; it has no cursor and no run key, which Dagster would keep for ever."""
    with dg.build_sensor_context(instance=instance, resources={"b24": Due(due=due)}) as context:
        found = inbound_events(context)
        if isinstance(found, dg.RunRequest):
            assert (found.run_key, context.cursor) == (None, None)
        return isinstance(found, dg.RunRequest)


def add_drain(instance: DagsterInstance, status: DagsterRunStatus, age_seconds: float) -> None:
    """A drain that began so long ago."""
    run = dg.DagsterRun(job_name="drain", status=DagsterRunStatus.NOT_STARTED)
    instance.add_run(run)
    began = time.time() - age_seconds
    instance.report_dagster_event(
        dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="drain"), run.run_id, timestamp=began
    )
    if status == FAILURE:
        instance.report_run_failed(run)


def test_due_events_start_a_drain(instance: DagsterInstance) -> None:
    """Nothing starts without events; after a drain that failed the next tick starts another."""
    assert not starts(instance, due=False)
    assert starts(instance)
    add_drain(instance, FAILURE, 5)
    assert starts(instance)


def test_no_drain_starts_while_one_takes_the_events(instance: DagsterInstance) -> None:
    """It takes what comes for MOST_SECONDS; after that it only waits for portals that do not answer."""
    add_drain(instance, STARTED, 5)
    assert not starts(instance)


def test_a_drain_that_only_waits_is_followed_by_another(instance: DagsterInstance) -> None:
    """Events of the other portals are not held up by it; but drains do not pile up."""
    for _ in range(MOST_DRAINS - 1):
        add_drain(instance, STARTED, MOST_SECONDS + 60)
        assert starts(instance)
    add_drain(instance, STARTED, MOST_SECONDS + 60)
    assert not starts(instance)
