"""Syncs pipelines, stages, statuses, fields, departments, currencies and users: small tables that are read completely.

The methods are in docs/bitrix24-rest.md, sections 6.2 (fields), 6.4 (pipelines and stages), 6.7 (user fields) and
6.8 (users, departments, currencies).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TypeAlias
from uuid import UUID

from b24_pipeline.bitrix.answers import BatchAnswer, decoding, empty, rows_of
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.lists.read import read_pages
from b24_pipeline.entities import CRM, DEAL, USER, Entity
from b24_pipeline.entities.decode import unique
from b24_pipeline.errors import PortalError
from b24_pipeline.errors.groups import NOT_TOLD, REFUSES_ENTITY
from b24_pipeline.log import logger
from b24_pipeline.store.crm import directories as store
from b24_pipeline.store.crm.directories import Replaced
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.sync.crm.chosen_entities import chosen_entities
from b24_pipeline.sync.crm.directory_rows import (
    STATUS_KEY,
    DirectoryRow,
    currency_rows,
    department_rows,
    field_rows,
    nameless_rows,
    pipeline_rows,
    stage_rows,
    status_rows,
)
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.crm.opening import OpenedQuestions, Opening
from b24_pipeline.sync.crm.scope import FULL
from b24_pipeline.sync.crm.smart_types import COMMANDS as SMART_TYPE_COMMANDS
from b24_pipeline.sync.crm.smart_types import NAME as SMART_TYPE
from b24_pipeline.sync.crm.smart_types import store_smart_types
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

log = logger("sync")

BY_ID = {"sort": "ID", "order": "ASC"}
LISTS = {
    "statuses": Command("crm.status.list", {"order": {"SORT": "ASC"}}),
    "departments": Command("department.get", BY_ID),
    "currencies": Command("crm.currency.list", {}),
}
"""Lists of directories, which come in pages where they are long."""

Replace: TypeAlias = Callable[[Connection, UUID, Sequence[Mapping[str, Any]]], Replaced]
"""A function of the store that merges all rows of a directory, and marks missing rows as deleted."""


def opened_directories(opening: Opening, chosen: Sequence[Entity]) -> OpenedQuestions:
    """Adds the directories to the opening of a sync; `chosen` are the entities beside those of every portal."""
    return opening.questions(_commands(opening.job, chosen))


def sync_directories(
    job: Job,
    opened: OpenedQuestions | None = None,
    chosen: Sequence[Entity] | None = None,
    *,
    marks_gone: bool = True,
) -> list[Outcome]:
    """Reads and merges all directories of a portal; returns an outcome for each of them.

    `chosen`: the entities that are read beside those of every portal, which are looked up if it is None.
    `marks_gone`: the rows of smart processes that are gone are marked as deleted.

    All are asked for in one request, that of the opening where they are in it; without its answer there is one
    outcome. One of them that the portal refuses stops no other. No error leaves the function: see `Job.recorded`.
    """
    directories: _Directories | None = None
    chosen = chosen_entities(job) if chosen is None else chosen
    with job.recorded("pipeline", "pipelines") as outcome:
        answer = opened.answers(outcome) if opened else job.client.batch(_commands(job, chosen))
        directories = _Directories(job, answer, (*CRM, *chosen))
        directories.store_pipelines(outcome)
    if directories is None:
        return [outcome]
    store_types = partial(directories.store_smart_types, marks_gone=marks_gone)
    types = [_recorded(job, SMART_TYPE, store_types)] if chosen else []
    return [
        outcome,
        *types,
        _recorded(job, "stage", directories.store_stages),
        _recorded(job, "status", directories.store_statuses),
        _recorded(job, "field", directories.store_fields),
        _recorded(job, "department", directories.store_departments),
        _recorded(job, "currency", directories.store_currencies),
    ]


def _recorded(job: Job, entity: str, store_rows: Callable[[Outcome], None]) -> Outcome:
    with job.recorded(entity, "pipelines") as outcome:
        store_rows(outcome)
    return outcome


class _Directories:
    """The directories of a portal in the answer to one request; each is stored by itself, and may fail by itself."""

    def __init__(self, job: Job, answer: BatchAnswer, entities: Sequence[Entity]) -> None:
        self.job = job
        self.answer = answer
        self.entities = entities

    def store_smart_types(self, outcome: Outcome, *, marks_gone: bool) -> None:
        store_smart_types(self.job, self.answer, outcome, marks_gone=marks_gone)

    def store_pipelines(self, outcome: Outcome) -> None:
        categories = self._categories
        with decoding(self.job.portal.name, "pipelines"):
            pipelines = pipeline_rows(categories, self.entities)
            outcome.rows_left_out = sum(nameless_rows(told, "id") for told in categories.values())
        _store(self.job, outcome, store.replace_pipelines, pipelines)

    def store_stages(self, outcome: Outcome) -> None:
        """Stores the stages; where the pipelines cannot be read, the stages keep the names of their pipelines."""
        try:
            categories = self._categories
        except PortalError:
            categories = {}
        with decoding(self.job.portal.name, "stages"):
            stages = stage_rows(categories, self._statuses, self.entities)
        _store(self.job, outcome, store.replace_stages, stages)

    def store_statuses(self, outcome: Outcome) -> None:
        with decoding(self.job.portal.name, "statuses"):
            entries = status_rows(self._statuses, self.entities)
        outcome.rows_left_out = nameless_rows(self._statuses, *STATUS_KEY)
        _store(self.job, outcome, store.replace_statuses, entries)

    def store_fields(self, outcome: Outcome) -> None:
        rows = [row for entity in self.entities for row in self._field_rows(entity)]
        _store(self.job, outcome, store.replace_fields, rows)

    def store_departments(self, outcome: Outcome) -> None:
        """Stores the departments; a credential may lack their scope, and the copy is whole without them."""
        found = self._offered("departments")
        if found is None:
            return
        with decoding(self.job.portal.name, "departments"):
            departments = department_rows(found)
        outcome.rows_left_out = len(found) - len(departments)
        _store(self.job, outcome, store.replace_departments, departments)

    def store_currencies(self, outcome: Outcome) -> None:
        found = self._offered("currencies")
        if found is None:
            return
        with decoding(self.job.portal.name, "currencies"):
            currencies = currency_rows(found)
        outcome.rows_left_out = nameless_rows(found, "CURRENCY")
        _store(self.job, outcome, store.replace_currencies, currencies)

    def _offered(self, key: str) -> list[dict[str, Any]] | None:
        """All rows of a list; None where the portal does not show it to this credential."""
        try:
            return _whole_list(self.job, self.answer, key)
        except REFUSES_ENTITY as error:
            self._note_not_told(key, error)
            return None

    def _field_rows(self, entity: Entity) -> list[DirectoryRow]:
        """The fields of an entity; those of a chosen one may not be told, and then stay as they are stored."""
        if entity.catalogue is None:
            return []
        try:
            told = self.answer.get(f"fields_{entity.name}")
            custom = self.answer.get(f"custom_{entity.name}") if entity.catalogue.labels else []
        except NOT_TOLD as error:
            if entity in CRM:
                raise
            self._note_not_told(f"fields of {entity.name}", error)
            return []
        with decoding(self.job.portal.name, f"fields of {entity.name}"):
            fields = told.get(entity.catalogue.wrapper) if entity.catalogue.wrapper else told
            return field_rows(entity.name, {} if empty(fields) else fields, rows_of(custom, None))

    @property
    def _categories(self) -> dict[str, list[dict[str, Any]]]:
        """The pipelines of each entity that has several; those of a chosen one may not be told."""
        found: dict[str, list[dict[str, Any]]] = {}
        for entity in filter(_has_pipelines, self.entities):
            try:
                told = self.answer.get(f"categories_{entity.name}")
            except NOT_TOLD as error:
                if entity is DEAL:
                    raise
                self._note_not_told(f"pipelines of {entity.name}", error)
                continue
            with decoding(self.job.portal.name, "pipelines"):
                found[entity.name] = rows_of(told, "categories")
        return found

    def _note_not_told(self, what: str, error: PortalError) -> None:
        log.info("not shown to this credential", portal=self.job.portal.name, what=what, error=str(error))

    @cached_property
    def _statuses(self) -> list[dict[str, Any]]:
        return _whole_list(self.job, self.answer, "statuses")


def _commands(job: Job, chosen: Sequence[Entity]) -> dict[str, Command]:
    entities = (*CRM, *chosen)
    commands = {
        f"categories_{entity.name}": Command("crm.category.list", {"entityTypeId": entity.type_id})
        for entity in filter(_has_pipelines, entities)
    }
    commands |= LISTS
    for entity in entities:
        commands |= _field_commands(entity, language_of(job.portal.domain))
    return {**commands, **SMART_TYPE_COMMANDS} if chosen else commands


def _field_commands(entity: Entity, language: str) -> dict[str, Command]:
    catalogue = entity.catalogue
    if catalogue is None:
        return {}
    params = {**dict(entity.params), **dict(entity.row_params)}
    commands = {f"fields_{entity.name}": Command(catalogue.method, params)}
    if catalogue.labels:
        commands[f"custom_{entity.name}"] = Command(catalogue.labels, {"filter": {"LANG": language}})
    return commands


def _has_pipelines(entity: Entity) -> bool:
    return entity.stages is not None and entity.stages.pipeline is None


def language_of(domain: str) -> str:
    """The language in which to ask for labels: "ru" for domains of Russian-speaking countries, else "en"."""
    zone = domain.partition(":")[0].rpartition(".")[2]
    return "ru" if zone in ("ru", "by", "kz", "uz", "am", "az", "ge", "kg") else "en"


def _whole_list(job: Job, answer: BatchAnswer, key: str) -> list[dict[str, Any]]:
    """All rows of a list: usually one page, which came with the batch; further pages are read if there are any."""
    command = LISTS[key]
    first = answer.get(key)
    if answer.nexts.get(key) is None:
        with decoding(job.portal.name, command.method):
            return rows_of(first, None)
    pages = read_pages(job.client, command.method, command.params, first=answer.one(key))
    return [row for page in pages for row in page]


def _store(job: Job, outcome: Outcome, replace: Replace, rows: Sequence[Mapping[str, Any]]) -> None:
    replaced = job.transact(replace, rows)
    outcome.rows_read = len(rows)
    outcome.rows_changed, outcome.rows_deleted = replaced.rows_changed, replaced.rows_deleted


def opened_users(opening: Opening) -> OpenedQuestions:
    """Adds the first page of users to the opening of a sync."""
    return opening.questions({USER.name: Command(USER.method, {**BY_ID, "start": 0})})


def sync_users(job: Job, opened: OpenedQuestions | None = None) -> Outcome:
    """Reads and merges all users, dismissed ones too. A user who vanishes stays in the copy: rows refer to them."""
    with job.recorded(USER.name, "full") as outcome, job.alone(USER.name):
        entity_copy = EntityCopy(job, USER, FULL)
        first = opened.answers(outcome).one(USER.name) if opened else None
        pages = read_pages(job.client, USER.method, BY_ID, first=first)
        rows = entity_copy.decoded(unique([row for page in pages for row in page]))
        merged = job.warehouse.transact(entity_copy.merge, rows)
        outcome.rows_read, outcome.rows_changed = len(rows), merged.rows_changed
        outcome.take_decoded(entity_copy.decoder)
        job.options.progress(job.portal.name, USER.name, len(rows))
    return outcome
