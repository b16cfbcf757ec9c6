"""The drain as a run: it takes all events there are, stays a minute in case more come, and builds the models.

A run takes five seconds to start. So one that is there already takes what
lands meanwhile, and a busy portal sees its rows in about a second.
"""

from collections.abc import Iterable
from time import monotonic, sleep

import dagster as dg

from b24_pipeline.defs.assets.failures import failure, told_in_one_line
from b24_pipeline.defs.assets.materializations import materializations
from b24_pipeline.defs.assets.models import model_key, model_metadata, project
from b24_pipeline.defs.assets.raw_tables import BY_OUTCOME
from b24_pipeline.defs.resources import B24
from b24_pipeline.errors import B24Error, ModelError
from b24_pipeline.log import masked
from b24_pipeline.models import ModelResult, build
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.checks import last_syncs
from b24_pipeline.store.events import backlog
from b24_pipeline.sync.events.drain import drain, sum_outcomes
from b24_pipeline.sync.outcome import Outcome

LINGER_SECONDS = 60.0
MOST_SECONDS = 900.0
"""After that another run goes on: so much is in one run's log, and new code comes in."""

LOOK_SECONDS = 0.2
BETWEEN_PASSES_SECONDS = 1.0
"""A pass takes a request of the portal's budget, two a second on most plans, which syncs need too."""

BETWEEN_BUILDS_SECONDS = 3.0
BETWEEN_REPORTS_SECONDS = 60.0
"""Dagster keeps for long what it is told."""


@dg.op(description="Drains inbound events while they come, and builds the models above what they changed.")
def drain_events(context: dg.OpExecutionContext, b24: B24) -> None:
    """Ends a minute after the last event."""
    with told_in_one_line(), b24.opened() as runtime:
        Shift(context, runtime).work()


class Shift:
    """One run's work: passes over the landing table, builds, and what Dagster is told of them."""

    def __init__(self, context: dg.OpExecutionContext, runtime: Runtime) -> None:
        self._context = context
        self._runtime = runtime
        self._options = runtime.options(run_id=context.run_id)
        self._began = self._busy_at = self._reported_at = monotonic()
        self._drained_at = self._built_at = float("-inf")
        self._untold: list[Outcome] = []
        self._unbuilt: set[str] = set()
        self._models: dict[str, ModelResult] = {}
        self._errors: list[B24Error] = []

    def work(self) -> None:
        """Until nothing has come for a minute. Raises dg.Failure where the last pass or build did not work."""
        while self._goes_on():
            if not self._step():
                sleep(LOOK_SECONDS)
            if monotonic() - self._reported_at > BETWEEN_REPORTS_SECONDS:
                self._report()
        self._report()
        if self._errors:
            raise failure(self._errors)

    def _goes_on(self) -> bool:
        now = monotonic()
        return bool(self._unbuilt) or (
            now - self._busy_at < LINGER_SECONDS and now - self._began < MOST_SECONDS
        )

    def _step(self) -> bool:
        """A pass or a build, whichever is due; False where neither is."""
        now = monotonic()
        due = self._runtime.warehouse.transact(backlog.is_due)
        if due and now - self._drained_at > BETWEEN_PASSES_SECONDS:
            self._drain()
            return True
        if self._unbuilt and now - self._built_at > BETWEEN_BUILDS_SECONDS:
            self._build()
            return True
        return False

    def _drain(self) -> None:
        outcomes = drain(self._runtime.connections, self._options)
        self._drained_at = self._busy_at = monotonic()
        self._errors = [outcome.error for outcome in outcomes if outcome.error]
        self._warn(self._errors)
        self._untold += outcomes
        self._unbuilt |= {one.entity for one in outcomes if one.rows_changed or one.rows_deleted}

    def _build(self) -> None:
        touched, self._unbuilt = self._unbuilt, set()
        results: list[ModelResult] = []
        try:
            with self._runtime.warehouse.connect() as connection:
                select = _models_above(touched) if last_syncs.models_built(connection) else None
            if select != "":
                build(self._runtime.warehouse.connect, project, select=select, on_model=results.append)
        except ModelError as error:
            self._errors.append(error)
            self._warn([error])
        self._models |= {result.name: result for result in results}
        self._built_at = monotonic()

    def _warn(self, errors: Iterable[B24Error]) -> None:
        for error in errors:
            self._context.log.warning(masked(str(error)))

    def _report(self) -> None:
        """The cohorts and models that were touched since the last report."""
        outcomes, self._untold = sum_outcomes(self._untold), []
        models, self._models = self._models, {}
        self._reported_at = monotonic()
        for portal in self._runtime.portals.all() if outcomes else ():
            own = [outcome for outcome in outcomes if outcome.portal == portal.name]
            for event in materializations(self._runtime.warehouse, portal, own):
                self._context.log_event(event)
        for result in models.values():
            metadata = model_metadata(self._runtime, project, result)
            self._context.log_event(dg.AssetMaterialization(model_key(result.name), metadata=metadata))


def _models_above(entities: Iterable[str]) -> str:
    """The selection of the models that read what these outcomes are of; empty where none does."""
    tables = {f"public.{BY_OUTCOME[name].table}" for name in entities if name in BY_OUTCOME}
    return " ".join(f"{model.name}+" for model in project.models.values() if tables & {*model.sources})
