"""Runs that were cut off: what is told of them, and that they are not in the way."""

from contextlib import ExitStack
from time import sleep

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus

from b24_pipeline.definitions import defs
from b24_pipeline.defs.resources import B24, HELD_LOCK, HOLDS_LOCK
from b24_pipeline.defs.sensors import abandoned_runs
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.database.run_lock import alive, is_alive


def ticks(instance: DagsterInstance, number: int) -> None:
    """The sensor as the daemon asks it, its cursor kept."""
    cursor = None
    for _ in range(number):
        with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"b24": B24()}) as context:
            abandoned_runs(context)
            cursor = context.cursor


@pytest.mark.parametrize(
    ("is_there", "number", "status"),
    [
        (False, 1, DagsterRunStatus.STARTED),
        (False, 2, DagsterRunStatus.FAILURE),
        (True, 3, DagsterRunStatus.STARTED),
    ],
)
def test_a_run_without_its_process_is_reported_as_failed(
    installation: Runtime, instance: DagsterInstance, is_there: bool, number: int, status: DagsterRunStatus
) -> None:
    """A run that is seen twice without its lock fails; one that lives, or never held a lock, is left alone."""
    run = dg.DagsterRun(job_name="drain", status=DagsterRunStatus.STARTED, tags=HOLDS_LOCK)
    other = dg.DagsterRun(job_name="drain", status=DagsterRunStatus.STARTED)
    for one in (run, other):
        instance.add_run(one)
    with ExitStack() as stack:
        if is_there:
            stack.enter_context(alive(installation.warehouse, run.run_id))
        ticks(instance, number)
    found = {one.run_id: one.status for one in instance.get_runs()}
    assert found == {run.run_id: status, other.run_id: DagsterRunStatus.STARTED}


def test_a_run_holds_its_lock_while_it_works(installation: Runtime, instance: DagsterInstance) -> None:
    """A run holds its lock from its first step to its end, whatever its steps do, and says so meanwhile.

    Not longer: where steps are processes of their own, those of others go on without the lock.
    """
    seen: list[bool] = []
    tags: list[bool] = []

    @dg.op
    def look(context: dg.OpExecutionContext, b24: B24) -> None:
        with b24.opened() as runtime:
            known = context.instance.get_run_by_id(context.run.run_id)
            tags.append(known is not None and known.tags.items() >= HOLDS_LOCK.items())
            seen.append(
                runtime.warehouse.transact(lambda connection: is_alive(connection, context.run.run_id))
            )

    @dg.job(resource_defs={"b24": B24()}, executor_def=dg.in_process_executor)
    def looks() -> None:
        look()
        look.alias("again")()

    done = looks.execute_in_process(instance=instance)
    assert seen == tags == [True, True]
    run = instance.get_run_by_id(done.run_id)
    assert run
    assert run.tags.items() >= HELD_LOCK.items()
    with installation.warehouse.connect() as connection:
        assert not is_alive(connection, done.run_id)


def test_a_server_that_ends_idle_sessions_does_not_end_a_run(installation: Runtime) -> None:
    """A run keeps its lock though the server ends idle sessions."""
    with installation.warehouse.autocommit() as connection:
        connection.execute("set idle_session_timeout = '50ms'")
    with alive(installation.warehouse, "long"):
        sleep(0.3)
        with installation.warehouse.connect() as connection:
            assert is_alive(connection, "long")


def test_every_job_of_ours_holds_it() -> None:
    """Each of our jobs has a step with the resource that holds the lock."""
    for job in defs.resolve_all_job_defs():
        if not job.name.startswith("__"):
            ops = [node for node in job.all_node_defs if isinstance(node, dg.OpDefinition)]
            assert any("b24" in op.required_resource_keys for op in ops), job.name
