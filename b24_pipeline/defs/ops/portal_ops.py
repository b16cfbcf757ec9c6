"""The ops that schedules run for many portals at once: changes, directories, matches, recent months, comparison."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field

from b24_pipeline.defs.assets.check_events import evaluations
from b24_pipeline.defs.assets.failures import errors_as_failures
from b24_pipeline.defs.assets.materializations import (
    earlier_matches,
    materializations,
    read_changes_event,
    read_months,
)
from b24_pipeline.defs.assets.metadata import matching_metadata, outcome_metadata, outcome_table
from b24_pipeline.defs.assets.model_events import unevaluated_events, unknown_model_events
from b24_pipeline.defs.assets.own_leads import MATCHES
from b24_pipeline.defs.assets.partitions import (
    PORTALS,
    last_months,
    ranges_of_months,
)
from b24_pipeline.defs.assets.proved_months import earlier_proofs
from b24_pipeline.defs.assets.raw_tables import CHANGES
from b24_pipeline.defs.checks import read_evaluations
from b24_pipeline.defs.known_assets import Event, KnownAssets, log_events
from b24_pipeline.defs.ops.portals_run import Outcomes, PortalsRun, PortalTask
from b24_pipeline.defs.rechecks import rechecked
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.sync_checks import sync_results
from b24_pipeline.entities import USER
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.own_leads.match import MatchOutcome, match
from b24_pipeline.sync.run import DIRECTORIES, SyncRequest, backfill, reconcile, sync_portal

NIGHTLY_MONTHS = 2
PATIENCE_SECONDS = 900.0
"""How long a nightly or hourly run waits for a portal that another run reads."""


class PortalsConfig(dg.Config):
    """Which portals a run works on."""

    portals: list[str] = Field(default=[], description="Names of portals; all connected ones if empty.")


class ChangesConfig(PortalsConfig):
    """Which portals a run reads, and how much of them."""

    full: bool = Field(
        default=False,
        description="Read everything again and find what was deleted, as `b24 sync --full` does.",
    )


@dg.op
def read_changes(context: dg.OpExecutionContext, config: ChangesConfig, b24: B24) -> None:
    """Reads what changed in each portal since its last sync, the first time everything; then builds the models."""
    request = SyncRequest(full=config.full)
    task = PortalTask(lambda job: sync_portal(job, request), _change_events, builds=True)
    with errors_as_failures(), b24.opened() as runtime:
        known = b24.known(context.instance)
        log_events(context, b24.asset_names, unknown_model_events(known, runtime))
        run = _worked(context, b24, runtime, task, config.portals)
        log_events(context, b24.asset_names, unevaluated_events(known, runtime))
        log_events(context, b24.asset_names, rechecked(known, runtime, run.read))
        with runtime.warehouse.connect() as connection:
            found = sync_results(connection, unread=run.outcomes.keys() - run.read)
            log_events(context, b24.asset_names, evaluations(known, found))
    run.failures.raise_if_any()


def _change_events(
    known: KnownAssets, runtime: Runtime, portal: Portal, outcomes: Outcomes
) -> Iterator[Event]:
    done = _syncs(outcomes)
    is_new = portal.name not in known.partitions(CHANGES)
    if is_new:  # where no daemon runs, nobody else has made it one, and its months could not be chosen
        known.add_partition(PORTALS.name or "", portal.name)
    yield from read_changes_event(portal, done)
    yield from materializations(runtime.warehouse, portal, done, known, with_unchanged=is_new)
    yield from earlier_proofs(runtime.warehouse, portal, known, only_failed=not is_new)
    if is_new:
        yield from earlier_matches(runtime.warehouse, portal, known)


@dg.op
def build_changed_models(context: dg.OpExecutionContext, b24: B24) -> None:
    """Builds the models above what changed, whoever changed it."""
    task = PortalTask(lambda _job: [], lambda *_: iter(()), builds=True)
    with errors_as_failures(), b24.opened() as runtime:
        run = PortalsRun(context, b24, runtime, task)
        run.build()
    run.failures.raise_if_any()


@dg.op
def read_all_directories(context: dg.OpExecutionContext, config: PortalsConfig, b24: B24) -> None:
    """Reads all pipelines, stages, directories, fields and users of each portal, mostly in two requests."""
    wanted = SyncRequest((DIRECTORIES, USER.name))
    task = PortalTask(
        lambda job: sync_portal(job, wanted), _read_events, patience_seconds=PATIENCE_SECONDS, repeats=True
    )
    _run(context, b24, task, config.portals)


def _read_events(known: KnownAssets, runtime: Runtime, portal: Portal, outcomes: Outcomes) -> Iterator[Event]:
    yield from materializations(runtime.warehouse, portal, _syncs(outcomes), known)


@dg.op
def match_own_leads(context: dg.OpExecutionContext, config: PortalsConfig, b24: B24) -> None:
    """Matches own leads of each portal, in our copy and by the portal's search, then builds what reads them."""
    task = PortalTask(
        lambda job: [match(job)], _match_events, patience_seconds=PATIENCE_SECONDS, repeats=True, builds=True
    )
    _run(context, b24, task, config.portals)


def _match_events(
    _known: KnownAssets, _runtime: Runtime, portal: Portal, outcomes: Outcomes
) -> Iterator[Event]:
    for outcome in outcomes:
        if isinstance(outcome, MatchOutcome) and not outcome.error and outcome.own_leads:
            yield dg.AssetMaterialization(MATCHES, partition=portal.name, metadata=matching_metadata(outcome))


@dg.op
def read_recent_months(context: dg.OpExecutionContext, config: PortalsConfig, b24: B24) -> None:
    """Reads the last two months of each portal again, and finds deleted rows."""
    months = last_months(datetime.now(UTC).date(), NIGHTLY_MONTHS)
    task = PortalTask(
        _month_reader(months), _month_events(months), patience_seconds=PATIENCE_SECONDS, repeats=True
    )
    _run(context, b24, task, config.portals)


def _month_reader(months: Sequence[date]) -> Callable[[Job], Outcomes]:
    def read(job: Job) -> Outcomes:
        return [outcome for days in ranges_of_months(months) for outcome in backfill(job, days, ())]

    return read


def _month_events(
    months: Sequence[date],
) -> Callable[[KnownAssets, Runtime, Portal, Outcomes], Iterator[Event]]:
    def events(_known: KnownAssets, runtime: Runtime, portal: Portal, outcomes: Outcomes) -> Iterator[Event]:
        yield from read_months(runtime.warehouse, portal, _syncs(outcomes), months)

    return events


@dg.op
def compare_with_portals(context: dg.OpExecutionContext, config: PortalsConfig, b24: B24) -> None:
    """Compares each portal by counting, repairs what differs, and reports the cohorts that it changed.

    The models above them are built by the next run of `changes`, minutes later.
    """
    task = PortalTask(reconcile, _repair_events, patience_seconds=PATIENCE_SECONDS, repeats=True)
    _run(context, b24, task, config.portals)


def _repair_events(
    known: KnownAssets, runtime: Runtime, portal: Portal, outcomes: Outcomes
) -> Iterator[Event]:
    yield from materializations(
        runtime.warehouse,
        portal,
        _syncs(outcomes),
        known,
        with_unchanged=False,
    )


def _run(context: dg.OpExecutionContext, b24: B24, task: PortalTask, names: Sequence[str]) -> None:
    """Does the task for each portal. Raises dg.Failure with a line for each one that failed."""
    with errors_as_failures(), b24.opened() as runtime:
        run = _worked(context, b24, runtime, task, names)
    run.failures.raise_if_any()


def _worked(
    context: dg.OpExecutionContext, b24: B24, runtime: Runtime, task: PortalTask, names: Sequence[str]
) -> PortalsRun:
    run = PortalsRun(context, b24, runtime, task)
    run.work(names)
    known = b24.known(context.instance)
    outcomes = [outcome for done in run.outcomes.values() for outcome in _syncs(done)]
    found = read_evaluations(known, runtime, run.materialized, run.read, outcomes)
    log_events(context, b24.asset_names, found)
    changed = [
        outcome for outcome in outcomes if outcome.rows_changed or outcome.rows_deleted or outcome.error
    ]
    context.add_output_metadata(
        outcome_metadata(outcomes)
        | {
            "portals": len(run.outcomes),
            "missing": sum(outcome.missing for outcome in outcomes),
            "outdated": sum(outcome.outdated for outcome in outcomes),
        }
        | ({"changed": outcome_table(changed)} if changed else {})
    )
    return run


def _syncs(outcomes: Outcomes) -> list[Outcome]:
    return [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
