"""One run of Dagster for many portals: read side by side, each with its own events and its own failure.

A process of its own for each portal takes seconds to start, and builds the models again for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep

import dagster as dg

from b24_pipeline.defs.assets.failures import RunFailures
from b24_pipeline.defs.assets.model_events import (
    changed_model_events,
    changed_models,
    outdated_model_events,
    told_elsewhere,
)
from b24_pipeline.defs.assets.models import project
from b24_pipeline.defs.known_assets import Event, KnownAssets, log_events, log_without_run
from b24_pipeline.defs.ops.model_builder import ModelBuilder
from b24_pipeline.defs.resources import B24
from b24_pipeline.errors import PortalPaused, UnknownPortal
from b24_pipeline.errors.groups import RETRY_MAY_HELP
from b24_pipeline.masks import masked
from b24_pipeline.models import BuildResult
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.database.locks import Claims, claims
from b24_pipeline.store.portals.portal import CONNECTED, Portal
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.own_leads.match import MatchOutcome
from b24_pipeline.sync.parallel import PortalPool

QUIET_SECONDS = 15.0
"""While nothing else ended for so long, the models are built of what did: nobody waits for a portal that hangs."""

LOOK_SECONDS = 1.0
CLAIM_SECONDS = 2.0

Outcomes = Sequence[Outcome] | Sequence[MatchOutcome]


@dataclass(frozen=True, slots=True)
class PortalTask:
    """What a run does for each of its portals.

    `work` does it; `events` are what Dagster is to know of it. `patience_seconds`: how long a portal that another
    run works on is waited for; without patience it is left out, because that run reads it. `repeats`: whether a
    portal that failed in a way that may pass is tried once more in the end. `builds`: whether the models are built.
    """

    work: Callable[[Job], Outcomes]
    events: Callable[[KnownAssets, Runtime, Portal, Outcomes], Iterator[Event]]
    patience_seconds: float = 0.0
    repeats: bool = False
    builds: bool = False


class PortalsRun:
    """The work of one run: its portals, then the models. What each portal did is reported when it ends.

    `materialized` are the assets of which that reported a materialization, without the models.
    """

    def __init__(self, context: dg.OpExecutionContext, b24: B24, runtime: Runtime, task: PortalTask) -> None:
        self.failures = RunFailures()
        self.outcomes: dict[str, Outcomes] = {}
        self.materialized: set[dg.AssetKey] = set()
        self._context = context
        self._names = b24.asset_names
        self._known = b24.known(context.instance)
        self._runtime = runtime
        self._task = task
        self._options = runtime.options(run_id=context.run_id)
        self._is_unbuilt = False
        self._told: set[str] = set()
        self._ended_at = monotonic()

    @property
    def read(self) -> set[str]:
        """The portals that ended without an error."""
        return {portal for portal, done in self.outcomes.items() if not any(one.error for one in done)}

    def work(self, names: Sequence[str]) -> None:
        """Works on the portals of these names, or on all that are connected. What failed is in `failures`."""
        portals = self._chosen(names)
        with ModelBuilder(self._runtime) as builder:
            with claims(self._runtime.warehouse) as claimed, self._pool(claimed) as pool:
                for portal in portals:
                    pool.add(portal)
                self._follow(pool, builder)
                for portal in self._to_repeat():
                    pool.add(portal)
                self._follow(pool, builder)
            self._take_build(builder, timeout=None)
        self.build()

    def build(self) -> None:
        """Builds the models, if that is part of the task; where nothing has changed it costs nothing."""
        with ModelBuilder(self._runtime) as builder:
            self._is_unbuilt = self._task.builds
            self._begin_build(builder)
            self._take_build(builder, timeout=None)

    def _chosen(self, names: Sequence[str]) -> list[Portal]:
        """The connected portals of these names; an unknown name is a failure, which nobody would see otherwise."""
        known = {portal.name: portal for portal in self._runtime.portals.all()}
        for name in names:
            if name not in known:
                self.failures.of_portal(name, [UnknownPortal(name, known)])
            elif known[name].status != CONNECTED and not known[name].is_held:
                status = known[name].status.replace("_", " ")
                self._context.log.warning(f"{name} is left out: it is {status}; `b24 doctor` says what to do")
        for portal in known.values():
            if portal.is_held and (portal.name in names or not names):
                self._context.log.info(str(PortalPaused(portal.name)))
        connected = [portal for portal in known.values() if portal.status == CONNECTED]
        return [portal for portal in connected if portal.name in names or not names]

    def _pool(self, claimed: Claims) -> PortalPool[Outcomes | None]:
        def work_alone(job: Job) -> Outcomes | None:
            with _alone(claimed, job.portal, self._task.patience_seconds) as is_ours:
                return self._task.work(job) if is_ours else None

        return PortalPool(
            self._runtime.connections,
            self._options,
            work_alone,
            lambda portal, error: [Outcome(portal.name, "portal", "incremental", error=error)],
        )

    def _follow(self, pool: PortalPool[Outcomes | None], builder: ModelBuilder) -> None:
        while pool.unfinished:
            for portal, outcomes in pool.ended(LOOK_SECONDS):
                self._ended(portal, outcomes)
            self._take_build(builder)
            if monotonic() - self._ended_at > QUIET_SECONDS:
                self._begin_build(builder)

    def _ended(self, portal: Portal, outcomes: Outcomes | None) -> None:
        if outcomes is None:
            self._context.log.info(f"{portal.name} is left out: another run works on it")
            return
        errors = [outcome.error for outcome in outcomes if outcome.error]
        self.outcomes[portal.name] = outcomes
        self._ended_at, self._is_unbuilt = monotonic(), self._task.builds
        if read := in_words(outcomes):
            self._context.log.info(f"{portal.name}: {read}")
        elif not errors:
            self._context.log.info(f"{portal.name}: nothing was to be read")
        events = self._task.events(self._known, self._runtime, portal, outcomes)
        self.materialized |= log_events(self._context, self._names, events)
        self.failures.of_portal(portal.name, errors)
        for error in errors:
            self._context.log.warning(masked(str(error)))

    def _to_repeat(self) -> list[Portal]:
        if not self._task.repeats:
            return []
        names = self.failures.portals(lambda error: isinstance(error, RETRY_MAY_HELP))
        return self._runtime.portals.named(names) if names else []

    def _begin_build(self, builder: ModelBuilder) -> None:
        """Begins a build if a portal was read since the last one began."""
        if self._is_unbuilt and not builder.is_building:
            self._is_unbuilt = False
            builder.begin()

    def _take_build(self, builder: ModelBuilder, timeout: float | None = 0) -> None:
        """Reports the build that has ended, or ends within `timeout` seconds."""
        built = builder.ended(timeout)
        if built:
            done, errors = built
            self.failures.of_models(errors)
            for error in errors:
                self._context.log.warning(masked(str(error)))
            self._report_build(done)
            if not errors:
                # no result of this run: another one may have told their checks since this one did
                log_without_run(self._context, self._names, outdated_model_events(self._known))

    def _report_build(self, done: BuildResult) -> None:
        """Reports what a build changed: without a run the models whose checks another run has told since this one.

        Dagster keeps one result of a check for each run, in the place of the run's first.
        """
        changed = changed_models(done)
        names = {model.name for model in changed}
        others = told_elsewhere(self._known, changed, self._context.run_id) & self._told
        events = changed_model_events(self._known, self._runtime, done, others)
        log_events(self._context, self._names, events)
        if others:
            events = changed_model_events(self._known, self._runtime, done, {*project.models} - others)
            log_without_run(self._context, self._names, events)
        self._told |= names


def in_words(outcomes: Outcomes) -> str:
    """What was done to a portal, by entity; what nothing was read of is left out, so it may be empty."""
    read = [one for one in outcomes if isinstance(one, Outcome) and (one.rows_read or one.rows_deleted)]
    return "; ".join(map(_read, read))


def _read(outcome: Outcome) -> str:
    deleted = f", {outcome.rows_deleted:,} deleted" if outcome.rows_deleted else ""
    return f"{outcome.entity}: {outcome.rows_read:,} read, {outcome.rows_changed:,} changed{deleted}"


@contextmanager
def _alone(claimed: Claims, portal: Portal, patience_seconds: float) -> Iterator[bool]:
    """Keeps other runs from this portal during the block; yields False where one works on it for all that time."""
    name = f"{portal.id} run"
    until = monotonic() + patience_seconds
    while not claimed.take(name):
        if claimed.is_over or monotonic() >= until:
            yield False
            return
        sleep(CLAIM_SECONDS)
    try:
        yield True
    finally:
        claimed.give_back(name)
