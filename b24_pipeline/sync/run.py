"""A sync of portals, from directories to history: the order of the work, and what an error stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from b24_pipeline.entities import CRM, HISTORIES, USER, Entity, History
from b24_pipeline.errors import (
    B24Error,
    UnknownEntity,
)
from b24_pipeline.errors.groups import STOPS_PORTAL
from b24_pipeline.log import logger
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks.rows import reconcile_steps
from b24_pipeline.sync.checks.stages import check_agreement
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.crm.directories import sync_directories, sync_users
from b24_pipeline.sync.crm.history import load_history, sync_history
from b24_pipeline.sync.crm.load import load_entity, load_scope
from b24_pipeline.sync.crm.scope import Days, Scope
from b24_pipeline.sync.derived import follow
from b24_pipeline.sync.events.offline_queue import take_offline
from b24_pipeline.sync.events.watch import check_bindings, watch_events
from b24_pipeline.sync.job import Job, Step
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.parallel import each_portal

log = logger("sync")


DIRECTORIES = "pipelines"
STATUS_HISTORY = "status_history"
ENTITIES: tuple[str, ...] = (DIRECTORIES, USER.name, *(entity.name for entity in CRM), STATUS_HISTORY)
COHORT_ENTITIES: tuple[str, ...] = (*(entity.name for entity in CRM), STATUS_HISTORY)


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What is asked of a sync. `entities`: names of ENTITIES, empty for all."""

    entities: tuple[str, ...] = ()
    full: bool = False
    since: datetime | None = None

    def wants(self, name: str) -> bool:
        """Whether this entity is asked for."""
        return not self.entities or name in self.entities


def known_entities(names: Sequence[str]) -> tuple[str, ...]:
    """The names, checked. Raises UnknownEntity."""
    for name in names:
        if name not in ENTITIES:
            raise UnknownEntity(name, ENTITIES)
    return tuple(names)


def sync_portals(
    connections: Connections, portals: Sequence[Portal], request: SyncRequest, options: Options
) -> list[Outcome]:
    """Syncs portals side by side; one that fails does not stop the others."""
    return _all(connections, portals, options, lambda job: sync_portal(job, request))


def backfill_portals(
    connections: Connections,
    portals: Sequence[Portal],
    days: Days,
    entities: Sequence[str],
    options: Options,
) -> list[Outcome]:
    """Reads again what was created on those days, and finds what was deleted since."""
    return _all(connections, portals, options, lambda job: backfill(job, days, entities))


def reconcile_portals(
    connections: Connections, portals: Sequence[Portal], options: Options, *, whole: bool = False
) -> list[Outcome]:
    """Finds and repairs what was missed; `whole`: compares every row, not only counts."""
    return _all(connections, portals, options, lambda job: reconcile(job, whole=whole))


def sync_portal(job: Job, request: SyncRequest) -> list[Outcome]:
    """One portal. Entities come before their history, so that a move seen late is not inferred too early."""
    steps: list[Step] = []
    if request.wants(DIRECTORIES):
        steps.append(sync_directories)
    if request.wants(USER.name):
        steps.append(lambda job: [sync_users(job)])
    steps += [_entity_step(entity, request) for entity in CRM if request.wants(entity.name)]
    if request.wants(STATUS_HISTORY):
        steps += [_history_step(history, request) for history in HISTORIES]
    if any(request.wants(entity.name) for entity in CRM):
        steps += [_without_outcome(take_offline), _without_outcome(watch_events)]
    proves = not request.entities and request.since is None
    return _until_stopped(job, steps, afterwards=check_agreement if proves else None)


def backfill(job: Job, days: Days, entities: Sequence[str]) -> list[Outcome]:
    """The cohorts of these days, entity by entity."""
    scope = days.scope(job.portal.time_zone)
    wanted = entities or COHORT_ENTITIES
    steps = [_scope_step(entity, scope) for entity in CRM if entity.name in wanted]
    if STATUS_HISTORY in wanted:
        steps.append(lambda job: [load_history(job, one, scope) for one in HISTORIES])
    return _until_stopped(job, steps)


def reconcile(job: Job, *, whole: bool = False) -> list[Outcome]:
    """One portal: what changed, what was missed, and the moves of both."""
    steps = reconcile_steps(whole=whole)
    beside = [_without_outcome(take_offline), _without_outcome(check_bindings)]
    return _until_stopped(job, [*steps, *beside], afterwards=lambda job: check_agreement(job, whole=whole))


def _without_outcome(work: Callable[[Job], object]) -> Step:
    """A step beside the rows: nothing of it belongs into the table that a sync ends with, nor spoils it."""

    def step(job: Job) -> list[Outcome]:
        try:
            work(job)
        except B24Error as error:
            log.warning("left for the next time", portal=job.portal.name, error=str(error))
        return []

    return step


def _entity_step(entity: Entity, request: SyncRequest) -> Step:
    return lambda job: load_entity(job, entity, full=request.full, since=request.since)


def _history_step(history: History, request: SyncRequest) -> Step:
    return lambda job: sync_history(job, history, full=request.full)


def _scope_step(entity: Entity, scope: Scope) -> Step:
    return lambda job: [load_scope(job, entity, scope)]


def _until_stopped(job: Job, steps: Sequence[Step], *, afterwards: Step | None = None) -> list[Outcome]:
    """`afterwards`: what is done only if everything before has worked."""
    outcomes: list[Outcome] = []
    for step in steps:
        outcomes += step(job)
        if any(isinstance(outcome.error, STOPS_PORTAL) for outcome in outcomes):
            break
    if afterwards and all(outcome.worked for outcome in outcomes):
        outcomes += afterwards(job)
    follow(job.warehouse, job.portal)
    return outcomes


def _all(
    connections: Connections,
    portals: Sequence[Portal],
    options: Options,
    work: Callable[[Job], list[Outcome]],
) -> list[Outcome]:
    done = each_portal(
        connections,
        portals,
        options,
        work,
        lambda portal, error: [Outcome(portal.name, "portal", "incremental", error=error)],
    )
    return [outcome for outcomes in done for outcome in outcomes]
