"""Hands each run to a broker, from which the next free worker takes it. Needs the extra `celery`."""

from __future__ import annotations

import warnings

from dagster import DagsterRun
from dagster._core.launcher import LaunchRunContext
from dagster._serdes import ConfigurableClassData
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from kombu.exceptions import OperationalError

from b24_pipeline.defs.instance.broker import broker_name, celery_config
from b24_pipeline.errors import BrokerUnreachable

QUEUE = "dagster"
"""What dagster-celery calls the queue; its workers listen there unless told otherwise."""


class CeleryLauncher(CeleryRunLauncher):
    """dagster-celery's launcher without results: brokers keep them for a while, and the database knows better.

    Whether the process of a run lives is seen by the sensor `abandoned_runs`, as with every other launcher.
    """

    def __init__(self, broker: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(
            default_queue=QUEUE,
            broker=broker,
            backend="disabled://",
            config_source=celery_config(broker),
            inst_data=inst_data,
        )

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hands the run over. Raises BrokerUnreachable; Dagster then ends the run as failed and tries once more."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # dagster-celery registers its task anew for each run
                super().launch_run(context)
        except OperationalError as error:
            raise BrokerUnreachable(broker_name(self.broker or ""), str(error)) from None

    def terminate(self, run_id: str) -> bool:
        """Has the worker interrupt the run, or forget it if it was not begun; False where no broker has it."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return False
        self._instance.report_run_canceling(run)
        return super().terminate(run_id)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Not by results of Celery."""
        return False

    @property
    def supports_resume_run(self) -> bool:
        """A run that was cut off is done again as a new one, which goes on where the database says."""
        return False

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> None:
        """Nothing beyond the tags of the run."""
