"""Takes runs of Dagster from a broker, each in a process of its own, until it is told to stop.

`b24 worker` starts it by `python -m`, with the number of runs at once, once all is there that it needs.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from socket import gethostname
from typing import Any

from celery import signals
from dagster import DagsterInstance
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task

from b24_pipeline.defs.instance.broker import celery_config
from b24_pipeline.log import access_logger, set_up_logs
from b24_pipeline.settings import settings

WORKER_TAG = "b24/worker"
"""The tag of a run that says which worker took it, and where that is."""

_log = access_logger("worker")


def work(broker: str, *, runs: int) -> int:
    """Works on so many runs at once until SIGTERM or Ctrl-C, which wait for those that were begun.

    Returns the exit code. Nothing may be open that copies of this process could not share.
    """
    app = make_app(  # type: ignore[no-untyped-call]
        {
            "broker": broker,
            "backend": "disabled://",
            "config_source": celery_config(broker),
        }
    )
    # of the three tasks of dagster-celery this one alone: another takes code of whoever can write to the broker
    create_execute_job_task(app)
    signals.task_prerun.connect(_begun, weak=False)
    # loaded once, before the copies are made
    import_module("b24_pipeline.definitions").defs.get_repository_def()
    worker = app.Worker(
        hostname=f"b24-{os.getpid()}@{gethostname()}",
        concurrency=runs,
        pool="prefork",
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )

    def ready(**_: Any) -> None:
        _log.info("waits for runs", at_once=runs, worker=worker.hostname)

    signals.worker_ready.connect(ready, weak=False)
    worker.start()
    return int(worker.exitcode or 0)


def _begun(*, task: Any, kwargs: dict[str, Any], **_: Any) -> None:
    """Notes who has taken the run, in the log and in Dagster, before anything can go wrong with it."""
    run_id = unpack_value(kwargs["execute_job_args_packed"], as_type=ExecuteRunArgs).run_id
    _log.info("begins a run", run=run_id)
    with DagsterInstance.get() as instance:
        instance.add_run_tags(run_id, {WORKER_TAG: task.request.hostname})


def main() -> None:
    """Works with the settings of the environment."""
    set_up_logs()
    broker = settings().b24_broker_url
    if broker is None:
        raise SystemExit("B24_BROKER_URL is not set")
    raise SystemExit(work(broker.get_secret_value(), runs=int(sys.argv[1])))


if __name__ == "__main__":
    main()
