"""The op of the drain: a run drains all due events, waits a minute for more, and builds the models meanwhile.

A run takes five seconds to start. While one waits for more events, what lands is drained in about a second.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from uuid import UUID

import dagster as dg

from b24_pipeline.defs.assets.check_events import changed_results, evaluations
from b24_pipeline.defs.assets.failures import RunFailures, errors_as_failures
from b24_pipeline.defs.assets.materializations import materializations
from b24_pipeline.defs.assets.model_checks import check_results
from b24_pipeline.defs.assets.model_events import (
    changed_models,
    model_evaluations,
    model_materializations,
    told_elsewhere,
)
from b24_pipeline.defs.assets.models import project
from b24_pipeline.defs.assets.versions import MARTS
from b24_pipeline.defs.known_assets import NO_RUN, log_events, log_without_run
from b24_pipeline.defs.ops.model_builder import ModelBuilder
from b24_pipeline.defs.resources import B24
from b24_pipeline.errors import B24Error
from b24_pipeline.masks import masked
from b24_pipeline.models import ModelResult
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events.drain import drain_pool, due_portals, sum_outcomes
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.parallel import PortalPool

LINGER_SECONDS = 60.0
MOST_SECONDS = 900.0
"""A run takes no more events after that and another goes on, so that logs stay short and new code is loaded."""

Pool = PortalPool[list[Outcome]]

TAKES_UNTIL = "b24/takes_events_until"
LOOK_SECONDS = 0.2
BETWEEN_PASSES_SECONDS = 1.0
"""Each pass costs a request of the portal's budget (two a second on most plans), which syncs need too."""

BETWEEN_LOOKS_SECONDS = 5.0
"""A portal whose events another drain has claimed is looked at again after so long."""

BETWEEN_BUILDS_SECONDS = 3.0
BETWEEN_REPORTS_SECONDS = 60.0
"""Dagster stores every report, so there must not be too many."""


@dg.op(description="Drains inbound events while they come, and builds the models above what they changed.")
def drain_events(context: dg.OpExecutionContext, b24: B24) -> None:
    """Drains events until none has come for a minute. Raises dg.Failure where the last pass or build failed."""
    with errors_as_failures(), b24.opened() as runtime:
        DrainRun(context, b24, runtime).work()


class DrainRun:
    """The work of one run: passes over the landing table, builds of models, and reports of both to Dagster."""

    def __init__(self, context: dg.OpExecutionContext, b24: B24, runtime: Runtime) -> None:
        self._context = context
        self._names = b24.asset_names
        self._known = b24.known(context.instance)
        self._runtime = runtime
        self._options = runtime.options(run_id=context.run_id)
        self._began = self._busy_at = self._reported_at = monotonic()
        self._built_at = float("-inf")
        self._next_at: dict[UUID, float] = {}
        self._unreported: list[Outcome] = []
        self._is_unbuilt = False
        self._models: dict[str, ModelResult] = {}
        self._checked: set[str] = set()
        self._failures = RunFailures()

    def work(self) -> None:
        """Works until no event has come for a minute. Raises dg.Failure where the last pass or build failed.

        Portals are drained apart from one another: one that does not answer keeps its own events waiting only. Events
        do not wait for builds either, which may take minutes or wait for a build of another process.
        """
        self._began = self._busy_at = monotonic()
        self._say_when_it_ends()
        connections, options = self._runtime.connections, self._options
        with drain_pool(connections, options) as pool, ModelBuilder(self._runtime) as builder:
            while builder.is_building or self._goes_on(pool):
                self._add_due(pool)
                for portal, outcomes in self._ended(pool):
                    self._drained(portal, outcomes)
                self._build(builder)
                if monotonic() - self._reported_at > BETWEEN_REPORTS_SECONDS:
                    self._report()
        self._report()
        self._failures.raise_if_any()

    def _say_when_it_ends(self) -> None:
        """Tags the run, which looks endless otherwise while events keep coming."""
        until = f"{datetime.now(UTC) + timedelta(seconds=MOST_SECONDS):%Y-%m-%d %H:%M} UTC"
        self._context.instance.add_run_tags(self._context.run_id, {TAKES_UNTIL: until})
        self._context.log.info(
            f"ends when no event has come for {LINGER_SECONDS:.0f} s; takes events until {until} at the latest"
        )

    def _goes_on(self, pool: Pool) -> bool:
        now = monotonic()
        return bool(self._is_unbuilt or pool.unfinished) or (
            now - self._busy_at < LINGER_SECONDS and now - self._began < MOST_SECONDS
        )

    def _add_due(self, pool: Pool) -> None:
        """Adds the portals with events that are due; after MOST_SECONDS none, for the next run takes them."""
        now = monotonic()
        if now - self._began > MOST_SECONDS:
            return
        busy = {portal.id for portal in pool.unfinished}
        for portal in due_portals(self._runtime.connections):
            if portal.id not in busy and now >= self._next_at.get(portal.id, now):
                pool.add(portal)

    def _ended(self, pool: Pool) -> list[tuple[Portal, list[Outcome]]]:
        if pool.unfinished:
            return pool.ended(LOOK_SECONDS)
        sleep(LOOK_SECONDS)
        return []

    def _drained(self, portal: Portal, outcomes: list[Outcome]) -> None:
        now = monotonic()
        self._next_at[portal.id] = now + (BETWEEN_PASSES_SECONDS if outcomes else BETWEEN_LOOKS_SECONDS)
        if outcomes:
            self._busy_at = now
        errors = [outcome.error for outcome in outcomes if outcome.error]
        self._failures.of_portal(portal.name, errors)
        self._warn(errors)
        self._unreported += outcomes
        self._is_unbuilt |= any(outcome.rows_changed or outcome.rows_deleted for outcome in outcomes)

    def _build(self, builder: ModelBuilder) -> None:
        """Takes the result of a build that has ended, and begins one if figures are out of date."""
        built = builder.ended()
        if built:
            done, errors = built
            self._failures.of_models(errors)
            self._warn(errors)
            marts = [model for model in changed_models(done) if project.models[model.name].layer == MARTS]
            self._models |= {model.name: model for model in marts}
            self._built_at = monotonic()
        is_due = monotonic() - self._built_at > BETWEEN_BUILDS_SECONDS
        if self._is_unbuilt and is_due and not builder.is_building:
            self._is_unbuilt = False
            builder.begin()

    def _warn(self, errors: Iterable[B24Error]) -> None:
        for error in errors:
            self._context.log.warning(masked(str(error)))

    def _report(self) -> None:
        """Reports the cohorts and marts that were changed since the last report."""
        outcomes, self._unreported = sum_outcomes(self._unreported), []
        models = [self._models[name] for name in project.models if name in self._models]  # as they are built
        self._models = {}
        self._reported_at = monotonic()
        for portal in self._runtime.portals.all() if outcomes else ():
            own = [outcome for outcome in outcomes if outcome.portal == portal.name]
            log_events(
                self._context,
                self._names,
                materializations(self._runtime.warehouse, portal, own, self._known),
            )
        self._report_marts(models)

    def _report_marts(self, marts: Sequence[ModelResult]) -> None:
        """Reports these marts, and the checks of each once, then only where one ends another way.

        Dagster takes a check for one of all materializations of its run. Where another run has told a check since,
        this one goes on without a run: of that too there are all materializations. Models below the marts are left
        to the runs of `changes`.
        """
        elsewhere = told_elsewhere(self._known, marts, self._context.run_id)
        ours = [mart for mart in marts if mart.name not in self._checked & elsewhere]
        others = [mart for mart in marts if mart.name in self._checked & elsewhere]
        unchecked = [mart for mart in ours if mart.name not in self._checked]
        log_events(self._context, self._names, self._mart_events(ours, unchecked))
        if others:
            of_a_run = told_elsewhere(self._known, others, NO_RUN)
            told = [mart for mart in others if mart.name in of_a_run]
            log_without_run(self._context, self._names, self._mart_events(others, told))
        self._checked |= {mart.name for mart in unchecked}

    def _mart_events(
        self, marts: Sequence[ModelResult], to_check: Sequence[ModelResult]
    ) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
        """These marts, all checks of those `to_check`, and checks that end another way than before."""
        results = list(check_results(test for mart in marts for test in mart.tests))
        changed = {mart.name for mart in marts}
        yield from model_materializations(self._known, self._runtime, marts, changed)
        yield from model_evaluations(self._known, [mart.name for mart in to_check], results)
        yield from evaluations(self._known, changed_results(self._known, results))
