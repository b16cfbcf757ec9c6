"""How many rows the portal counts itself: the `total` of a list costs one command, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, decoding, rows_of
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.entities import CRM, Entity
from b24_pipeline.errors import UnreadableAnswer
from b24_pipeline.sync.job import Job


def entity_totals(job: Job, created_before: Mapping[str, datetime]) -> dict[str, int]:
    """How many rows of each entity the portal has that were created before a moment; one request for all.

    Raises UnreadableAnswer where a total is missing, and what the portal answers instead.
    """
    counted = {entity.name: entity for entity in CRM if entity.name in created_before}
    if not counted:
        return {}
    answer = job.client.batch({name: _before(counted[name], created_before[name]) for name in counted})
    return {name: read_total(job.portal.name, answer, name, entity) for name, entity in counted.items()}


def filter_totals(job: Job, entity: Entity, filters: Sequence[Mapping[str, Any]]) -> list[int]:
    """How many rows the portal has for each filter, in order; fifty filters go into one request.

    Raises UnreadableAnswer where a total is missing, and what the portal answers instead.
    """
    commands = {f"total_{number}": counting(entity, conditions) for number, conditions in enumerate(filters)}
    if not commands:
        return []
    answer = job.client.batch(commands)
    return [read_total(job.portal.name, answer, name, entity) for name in commands]


def _before(entity: Entity, moment: datetime) -> Command:
    return counting(entity, {f"<{entity.created}": moment.isoformat()})


def counting(entity: Entity, conditions: Mapping[str, Any], start: int = 0) -> Command:
    """The command whose `total` counts the rows that meet a filter; `start`: the row that its page begins with."""
    params = {"filter": dict(conditions), "select": [entity.id_field], "start": start}
    return Command(entity.method, {**dict(entity.params), **params})


def beyond(rows: int) -> int:
    """The beginning of the page after so many rows: where the portal has as many, it counts them and sends none.

    Whether a portal sends nothing from there, or some other page, is not documented: only the total counts, and only
    if it is the expected one.
    """
    return (rows // PAGE_ROWS + 1) * PAGE_ROWS


def is_total(answer: BatchAnswer, name: str, expected: int) -> bool:
    """Whether a counting command told exactly this total. Raises the command's error where it failed."""
    if name in answer.errors:
        raise answer.errors[name]
    return answer.totals.get(name) == expected


@dataclass(frozen=True, slots=True)
class ExpectedTotal:
    """A count of the rows that meet a filter, and what our copy has of them."""

    entity: Entity
    conditions: Mapping[str, Any]
    expected: int

    def command(self, *, doubted: bool = False) -> Command:
        """The command that counts; without any row unless the count is `doubted`."""
        return counting(self.entity, self.conditions, 0 if doubted else beyond(self.expected))


def read_total(portal: str, answer: BatchAnswer, name: str, entity: Entity) -> int:
    """The number of rows that a counting command has told, by its rows where they are all there are.

    Raises UnreadableAnswer where there is no total, or one smaller than the rows that came with it.
    """
    method = entity.method
    result = answer.get(name) if name in answer.results or name in answer.errors else None
    with decoding(portal, f"the rows of {method}"):
        rows = rows_of(result, entity.wrapper)
        found = len({str(row[entity.id_field]) for row in rows})
    if 0 < len(rows) < PAGE_ROWS:
        return found
    if answer.totals.get(name, -1) < found:
        raise UnreadableAnswer(
            portal, f"{method}: expected a total beside the rows, got none or too small a one"
        )
    return answer.totals[name]
