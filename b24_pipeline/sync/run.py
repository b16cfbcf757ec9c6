"""Syncs portals: the order of the work, from directories to history and checks, and what an error stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias

from b24_pipeline.entities import CRM, HISTORIES, USER, Entity, History
from b24_pipeline.errors import (
    B24Error,
    UnknownEntity,
)
from b24_pipeline.errors.groups import STOPS_PORTAL
from b24_pipeline.log import logger
from b24_pipeline.store.crm.contact_links import NAME as CONTACT_LINK
from b24_pipeline.store.crm.contact_links import OWNER_TYPES
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks.rows import reconcile_steps
from b24_pipeline.sync.checks.stages import check_stages
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.crm.contact_links import sync_contact_links
from b24_pipeline.sync.crm.directories import (
    opened_directories,
    opened_users,
    sync_directories,
    sync_users,
)
from b24_pipeline.sync.crm.history import load_history, opened_history, sync_history
from b24_pipeline.sync.crm.load import load_entity, load_scope, opened_entity
from b24_pipeline.sync.crm.opening import OpenedList, Opening
from b24_pipeline.sync.crm.scope import Days, Scope
from b24_pipeline.sync.derived import update_derived
from b24_pipeline.sync.events.offline_queue import land_queued_events
from b24_pipeline.sync.events.watch import check_bindings, watch_events
from b24_pipeline.sync.job import Job, Step
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.parallel import each_portal

log = logger("sync")

Afterwards: TypeAlias = Callable[[Job, AbstractSet[str]], list[Outcome]]
"""Work that ends a sync; it is told the entities of which a step has failed."""

DIRECTORIES = "pipelines"
STATUS_HISTORY = "status_history"
ENTITIES: tuple[str, ...] = (
    DIRECTORIES,
    USER.name,
    *(entity.name for entity in CRM),
    CONTACT_LINK,
    STATUS_HISTORY,
)
COHORT_ENTITIES: tuple[str, ...] = (*(entity.name for entity in CRM), STATUS_HISTORY)


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What to sync.

    `entities`: names out of ENTITIES, empty for all. `full`: read everything instead of changes. `since`: read the
    changes since this time instead of since the watermark.
    """

    entities: tuple[str, ...] = ()
    full: bool = False
    since: datetime | None = None

    def wants(self, name: str) -> bool:
        """Whether this entity is to be synced."""
        return not self.entities or name in self.entities


def known_entities(names: Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple, each of them known. Raises UnknownEntity."""
    for name in names:
        if name not in ENTITIES:
            raise UnknownEntity(name, ENTITIES)
    return tuple(names)


def sync_portals(
    connections: Connections, portals: Sequence[Portal], request: SyncRequest, options: Options
) -> list[Outcome]:
    """Syncs portals side by side, where one that fails stops no other; returns the outcomes of all."""
    return _on_each(connections, portals, options, partial(sync_portal, request=request))


def backfill_portals(
    connections: Connections,
    portals: Sequence[Portal],
    days: Days,
    entities: Sequence[str],
    options: Options,
) -> list[Outcome]:
    """Reads again the rows of these portals that were created on these days, and finds those deleted since."""
    return _on_each(connections, portals, options, partial(backfill, days=days, entities=entities))


def reconcile_portals(
    connections: Connections, portals: Sequence[Portal], options: Options, *, whole: bool = False
) -> list[Outcome]:
    """Finds and repairs the rows of these portals that were missed; `whole` compares every row, not only counts."""
    return _on_each(connections, portals, options, partial(reconcile, whole=whole))


def sync_portal(job: Job, request: SyncRequest) -> list[Outcome]:
    """Syncs one portal; returns its outcomes.

    Entities come before their history: a move that becomes visible during the sync is then read, not inferred. The
    first questions of all steps are asked in one request, in the same order (`Opening`).
    """
    opening = Opening(job)
    steps: list[Step] = []
    if request.wants(DIRECTORIES):
        steps.append(partial(sync_directories, opened=opened_directories(opening)))
    if request.wants(USER.name):
        users = opened_users(opening)
        steps.append(lambda job: [sync_users(job, users)])
    wanted = [entity for entity in CRM if request.wants(entity.name)]
    lists = {
        entity.name: opened_entity(opening, entity, full=request.full, since=request.since)
        for entity in wanted
    }
    steps += [_entity_step(entity, request, lists[entity.name]) for entity in wanted]
    steps += _link_steps(request)
    if request.wants(STATUS_HISTORY):
        steps += [_history_step(history, request, opening, lists) for history in HISTORIES]
    if any(request.wants(entity.name) for entity in CRM):
        steps += [_without_outcome(land_queued_events), _without_outcome(watch_events)]
    proves = not request.entities and request.since is None
    return _until_stopped(job, steps, afterwards=_stage_check() if proves else None)


def backfill(job: Job, days: Days, entities: Sequence[str]) -> list[Outcome]:
    """Reads again the rows of one portal that were created on these days; `entities` empty means all."""
    scope = days.scope(job.portal.time_zone)
    wanted = entities or COHORT_ENTITIES
    steps = [_scope_step(entity, scope) for entity in CRM if entity.name in wanted]
    steps += _link_steps(SyncRequest(tuple(wanted)))
    if STATUS_HISTORY in wanted:
        steps.append(lambda job: [load_history(job, history, scope) for history in HISTORIES])
    return _until_stopped(job, steps)


def reconcile(job: Job, *, whole: bool = False) -> list[Outcome]:
    """Reconciles one portal: loads changes, finds and repairs missed rows, loads their moves, checks the stages."""
    steps = reconcile_steps(whole=whole)
    links = partial(sync_contact_links, anew=whole)
    beside = [_without_outcome(land_queued_events), _without_outcome(check_bindings)]
    return _until_stopped(job, [*steps, links, *beside], afterwards=_stage_check(whole=whole))


def _stage_check(*, whole: bool = False) -> Afterwards:
    """The check of stages for the entities that were read without an error: what failed needs no check to be known."""
    return lambda job, failed: check_stages(job, whole=whole, left_out=failed)


def _without_outcome(work: Callable[[Job], object]) -> Step:
    """A step that has no outcome; an error is logged, because the sync of the rows worked without it."""

    def step(job: Job) -> list[Outcome]:
        try:
            work(job)
        except B24Error as error:
            log.warning("left for the next time", portal=job.portal.name, error=str(error))
        return []

    return step


def _entity_step(entity: Entity, request: SyncRequest, opened: OpenedList) -> Step:
    return partial(load_entity, entity=entity, full=request.full, since=request.since, opened=opened)


def _link_steps(request: SyncRequest) -> list[Step]:
    """The step that reads contacts of leads, deals and companies, as far as those are wanted."""
    named = CONTACT_LINK in request.entities
    owner_types = [name for name in OWNER_TYPES if named or request.wants(name)]
    if not owner_types:
        return []
    return [partial(sync_contact_links, owner_types=owner_types, anew=request.full)]


def _history_step(
    history: History, request: SyncRequest, opening: Opening, entities: Mapping[str, OpenedList]
) -> Step:
    moved = entities.get(history.entity)
    opened = opened_history(opening, history, full=request.full, entity=moved)
    return partial(sync_history, history=history, full=request.full, opened=opened)


def _scope_step(entity: Entity, scope: Scope) -> Step:
    return lambda job: [load_scope(job, entity, scope)]


def _until_stopped(job: Job, steps: Sequence[Step], *, afterwards: Afterwards | None = None) -> list[Outcome]:
    """Runs the steps until an error stops the portal, then `afterwards` if none did, and the updates."""
    outcomes: list[Outcome] = []
    stopped = False
    for step in steps:
        outcomes += step(job)
        stopped = any(isinstance(outcome.error, STOPS_PORTAL) for outcome in outcomes)
        if stopped:
            break
    if afterwards and not stopped:
        outcomes += afterwards(job, {outcome.entity for outcome in outcomes if not outcome.worked})
    update_derived(job.warehouse, job.portal)
    return outcomes


def _on_each(
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
