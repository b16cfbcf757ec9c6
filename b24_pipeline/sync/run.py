"""Syncs portals: the order of the work, from directories to history and checks, and what an error stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias

from b24_pipeline.entities import CRM, HISTORIES, USER, Entity, History, find
from b24_pipeline.errors import (
    B24Error,
    EntityNotChosen,
    UnknownEntity,
)
from b24_pipeline.errors.groups import STOPS_PORTAL
from b24_pipeline.log import logger
from b24_pipeline.store.crm.contact_links import NAME as CONTACT_LINK
from b24_pipeline.store.crm.contact_links import OWNER_TYPES
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks.rows import reconcile_steps
from b24_pipeline.sync.checks.stages import check_stages
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.crm.chosen_entities import all_entities, chosen_entities, histories_of
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
    """The names as a tuple, each of them known or of the form of an entity that can be chosen. Raises UnknownEntity."""
    for name in names:
        if name not in ENTITIES and find(name) is None:
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
    chosen = chosen_entities(job)
    if request.wants(DIRECTORIES):
        asked = opened_directories(opening, chosen)
        steps.append(partial(sync_directories, opened=asked, chosen=chosen))
    if request.wants(USER.name):
        users = opened_users(opening)
        steps.append(lambda job: [sync_users(job, users)])
    wanted = [entity for entity in (*CRM, *chosen) if request.wants(entity.name)]
    lists = {
        entity.name: opened_entity(opening, entity, full=request.full, since=request.since)
        for entity in wanted
    }
    steps += [_entity_step(entity, request, lists[entity.name]) for entity in wanted]
    steps += _link_steps(request)
    steps += [
        _history_step(history, request, opening, lists)
        for history in histories_of((*CRM, *chosen))
        if request.wants(STATUS_HISTORY) or _is_named_with_history(history, request)
    ]
    steps += _not_chosen_steps(request, chosen)
    if any(request.wants(entity.name) for entity in CRM):
        steps += [_without_outcome(land_queued_events), _without_outcome(watch_events)]
    proves = not request.entities and request.since is None
    return _until_stopped(job, steps, afterwards=_stage_check() if proves else None)


def backfill(job: Job, days: Days, entities: Sequence[str]) -> list[Outcome]:
    """Reads again the rows of one portal that were created on these days; `entities` empty means all."""
    scope = days.scope(job.portal.time_zone)
    chosen = chosen_entities(job)
    wanted = entities or (*COHORT_ENTITIES, *(entity.name for entity in chosen))
    steps = [_scope_step(entity, scope) for entity in (*CRM, *chosen) if entity.name in wanted]
    steps += _link_steps(SyncRequest(tuple(wanted)))
    steps += [
        _history_scope_step(history, scope)
        for history in histories_of((*CRM, *chosen))
        if STATUS_HISTORY in wanted or (history.entity in wanted and history not in HISTORIES)
    ]
    steps += _not_chosen_steps(SyncRequest(tuple(entities)), chosen)
    return _until_stopped(job, steps)


def reconcile(job: Job, *, whole: bool = False) -> list[Outcome]:
    """Reconciles one portal: loads changes, finds and repairs missed rows, loads their moves, checks the stages."""
    steps = reconcile_steps(all_entities(job), whole=whole)
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
    step = partial(load_entity, entity=entity, full=request.full, since=request.since, opened=opened)
    return step if entity in CRM else partial(_unless_gone, name=entity.name, step=step)


def _unless_gone(job: Job, name: str, step: Step) -> list[Outcome]:
    """Does a step for an entity that was chosen, unless the portal was found not to have it any more."""
    if not job.transact(entity_choice.is_gone, name):
        return step(job)
    log.warning(
        "the portal has this type no more; its rows stay, marked as deleted",
        portal=job.portal.name,
        entity=name,
    )
    return []


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
    step = partial(sync_history, history=history, full=request.full, opened=opened)
    return step if history in HISTORIES else partial(_unless_gone, name=history.entity, step=step)


def _is_named_with_history(history: History, request: SyncRequest) -> bool:
    """Whether a chosen entity is asked for by its name: its moves have no other name, and come with it."""
    return history not in HISTORIES and history.entity in request.entities


def _not_chosen_steps(request: SyncRequest, chosen: Sequence[Entity]) -> list[Step]:
    """A step for each entity that is asked for by its name and is not read of this portal, which says so."""
    known = {*ENTITIES, *(entity.name for entity in chosen)}
    return [partial(_not_chosen, name=name) for name in request.entities if name not in known]


def _not_chosen(job: Job, name: str) -> list[Outcome]:
    return [Outcome(job.portal.name, name, "incremental", error=EntityNotChosen(job.portal.name, name))]


def _history_scope_step(history: History, scope: Scope) -> Step:
    return lambda job: [load_history(job, history, scope)]


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
