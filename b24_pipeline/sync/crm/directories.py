"""Pipelines, stages, statuses and fields: small, read whole, in one request.

Fact sheet sections 6.2 (fields), 6.4 (pipelines and stages), 6.7 (user fields).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, empty, rows_of
from b24_pipeline.bitrix.client import Command
from b24_pipeline.bitrix.lists.read import read_pages
from b24_pipeline.entities import CRM, USER
from b24_pipeline.entities.decode import unique
from b24_pipeline.store.crm import directories as store
from b24_pipeline.store.crm.directories import Replaced
from b24_pipeline.sync.crm.directory_rows import field_rows, pipeline_rows, stage_rows, status_rows
from b24_pipeline.sync.crm.reader import Reading
from b24_pipeline.sync.crm.scope import FULL
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome

DEAL_TYPE_ID = 2


def sync_directories(job: Job) -> list[Outcome]:
    """Merges pipelines, stages and fields whole; one outcome each."""
    with job.recorded("pipeline", "pipelines") as outcome:
        answer = job.client.batch(_commands(job))
        categories = rows_of(answer.get("categories"), "categories")
        statuses = _all_statuses(job, answer)
        stages, entries = stage_rows(categories, statuses), status_rows(statuses)
        _store(job, outcome, store.replace_pipelines, pipeline_rows(categories))
    if not outcome.worked:
        return [outcome]
    return [
        outcome,
        _merged(job, "stage", store.replace_stages, stages),
        _merged(job, "status", store.replace_statuses, entries),
        _fields(job, answer),
    ]


def _commands(job: Job) -> dict[str, Command]:
    language = language_of(job.portal.domain)
    commands = {
        "time": Command("server.time", {}),
        "categories": Command("crm.category.list", {"entityTypeId": DEAL_TYPE_ID}),
        "statuses": Command("crm.status.list", {"order": {"SORT": "ASC"}}),
    }
    for entity in CRM:
        commands[f"fields_{entity.name}"] = Command(entity.fields_method, {})
        commands[f"custom_{entity.name}"] = Command(entity.user_fields_method, {"filter": {"LANG": language}})
    return commands


def language_of(domain: str) -> str:
    """The language to ask labels in: Russian in the zones that speak it, else English."""
    zone = domain.partition(":")[0].rpartition(".")[2]
    return "ru" if zone in ("ru", "by", "kz", "uz", "am", "az", "ge", "kg") else "en"


def _all_statuses(job: Job, answer: BatchAnswer) -> list[dict[str, Any]]:
    """One page is usual, but the portal may say that there is more."""
    first = rows_of(answer.get("statuses"), None)
    if answer.nexts.get("statuses") is None:
        return first
    pages = read_pages(job.client, "crm.status.list", {"order": {"SORT": "ASC"}})
    return [row for page in pages for row in page]


def _fields(job: Job, answer: BatchAnswer) -> Outcome:
    with job.recorded("field", "pipelines") as outcome:
        rows = []
        for entity in CRM:
            catalogue = answer.get(f"fields_{entity.name}")
            custom = rows_of(answer.get(f"custom_{entity.name}"), None)
            rows += field_rows(entity.name, {} if empty(catalogue) else catalogue, custom)
        _store(job, outcome, store.replace_fields, rows)
    return outcome


def _merged(job: Job, entity: str, replace: Any, rows: Sequence[Mapping[str, Any]]) -> Outcome:
    with job.recorded(entity, "pipelines") as outcome:
        _store(job, outcome, replace, rows)
    return outcome


def _store(job: Job, outcome: Outcome, replace: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    replaced: Replaced = job.warehouse.transact(lambda connection: replace(connection, job.portal.id, rows))
    outcome.rows_read = len(rows)
    outcome.rows_changed, outcome.rows_deleted = replaced.rows_changed, replaced.rows_deleted


def sync_users(job: Job) -> Outcome:
    """All users, dismissed ones too. One that vanishes stays: rows refer to it."""
    with job.recorded(USER.name, "full") as outcome, job.alone(USER.name):
        reading = Reading(job, USER, FULL)
        pages = read_pages(job.client, USER.method, {"sort": "ID", "order": "ASC"})
        rows = reading.decoded(unique([row for page in pages for row in page]))
        merged = job.warehouse.transact(lambda connection: reading.merge(connection, rows))
        outcome.rows_read, outcome.rows_changed = len(rows), merged.rows_changed
        outcome.values_set_aside = reading.decoder.set_aside
        job.options.progress(job.portal.name, USER.name, len(rows))
    return outcome
