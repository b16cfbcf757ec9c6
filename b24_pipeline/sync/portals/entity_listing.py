"""Looks which entities a portal has beside those of every portal, how many rows of each, and chooses among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from b24_pipeline.bitrix.answers import BatchAnswer
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.entities import Entity, find
from b24_pipeline.entities.history import LIST_METHOD, History
from b24_pipeline.errors import ApiError, EntityRefused, PortalError, UnknownEntity, UnreadableAnswer
from b24_pipeline.errors.groups import NOT_TOLD, REFUSES_PORTAL
from b24_pipeline.store.crm.sync_log import WholeReads
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.store.portals.entity_choice import KnownEntity
from b24_pipeline.sync.checks.totals import counting, read_total
from b24_pipeline.sync.crm.smart_types import COMMANDS, NAME, store_smart_types
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.portals.first_read import FirstRead, first_read, known_costs


@dataclass(frozen=True, slots=True)
class ListedEntity:
    """An entity that can be chosen, with the number of its rows in the portal; None where the portal does not tell it.

    `error`: what the portal answered instead. `cost`: of reading all of it once.
    """

    known: KnownEntity
    in_portal: int | None = None
    error: PortalError | None = None
    cost: FirstRead | None = None


def list_entities(job: Job, add: Sequence[str] = (), *, marks_gone: bool = True) -> list[ListedEntity]:
    """All entities of the portal that can be chosen, and those that were, once `add` are chosen: two requests.

    Its smart processes are stored as they are now; with `marks_gone` those that are gone are marked with their items.
    Raises PortalError where the portal cannot be asked, UnknownEntity where it has none of the names to add, and
    EntityRefused where it does not let one of them be read; then none is chosen.
    """
    with job.recorded(NAME, "pipelines") as outcome:
        store_smart_types(job, job.client.batch(COMMANDS), outcome, marks_gone=marks_gone)
    if outcome.error:
        raise outcome.error
    known = job.transact(_known_with, add)
    counted = {one.entity_type: entity for one in known if (entity := _countable(one))}
    answer = _answers(job, _counts(counted))
    listed = [_listed(job, one, counted.get(one.entity_type), answer) for one in known]
    if add:
        listed = _chosen(job, listed, add)
    costs = known_costs(job)
    return [_priced(one, job.portal.plan, costs, answer) for one in listed]


def _known_with(connection: Connection, account: UUID, add: Sequence[str]) -> list[KnownEntity]:
    """The known entities. Raises UnknownEntity where these are not all among them."""
    known = entity_choice.known_entities(connection, account)
    there = [one.entity_type for one in known if one.deleted_at is None]
    for name in add:
        if name not in there:
            raise UnknownEntity(name, there)
    return known


def _chosen(job: Job, listed: Sequence[ListedEntity], add: Sequence[str]) -> list[ListedEntity]:
    """The same, once these are chosen.

    Raises what the portal answered for one that was not chosen before: each sync would end with it. An answer without
    a total is no refusal: a sync reads pages.
    """
    for one in listed:
        if one.known.entity_type in add and not one.known.is_chosen and isinstance(one.error, ApiError):
            raise _refusal(job.portal.name, one.known.entity_type, one.error)
    job.transact(entity_choice.choose, add)
    known = {one.entity_type: one for one in job.transact(entity_choice.known_entities)}
    return [replace(one, known=known[one.known.entity_type]) for one in listed]


def _refusal(portal: str, entity: str, error: ApiError) -> PortalError:
    if not isinstance(error, NOT_TOLD):
        return error
    return EntityRefused(portal, entity, str(error).removeprefix(f"{portal}: "), error.advice)


def _countable(known: KnownEntity) -> Entity | None:
    return None if known.deleted_at else find(known.entity_type)


def _counts(counted: dict[str, Entity]) -> dict[str, Command]:
    """How many rows each has, and how many moves."""
    moves = {one.history.cursor: _counting_moves(one.history) for one in counted.values() if one.history}
    return {name: counting(entity, {}) for name, entity in counted.items()} | moves


def _counting_moves(history: History) -> Command:
    return Command(LIST_METHOD, {"entityTypeId": history.entity_type_id, "select": ["ID"], "start": 0})


def _priced(listed: ListedEntity, plan: str, costs: WholeReads, answer: BatchAnswer) -> ListedEntity:
    """With the cost of a first read; what the portal does not count is not read."""
    if listed.in_portal is None:
        return listed
    moves = answer.totals.get(f"{listed.known.entity_type}_history")
    return replace(listed, cost=first_read(plan, costs, listed.in_portal, moves))


def _answers(job: Job, commands: dict[str, Command]) -> BatchAnswer:
    return job.client.batch(commands) if commands else BatchAnswer()


def _listed(job: Job, known: KnownEntity, entity: Entity | None, answer: BatchAnswer) -> ListedEntity:
    if entity is None:
        return ListedEntity(known)
    try:
        return ListedEntity(known, read_total(job.portal.name, answer, known.entity_type, entity))
    except REFUSES_PORTAL:
        raise
    except (ApiError, UnreadableAnswer) as error:
        return ListedEntity(known, error=error)
