"""How many rows the portal itself counts: a `total` costs one command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.entities import CRM
from b24_pipeline.errors import UnreadableAnswer
from b24_pipeline.sync.job import Job


def totals(job: Job, created_before: Mapping[str, datetime]) -> dict[str, int]:
    """By entity, what the portal has that was created before that moment; one request for all."""
    methods = {entity.name: entity.method for entity in CRM if entity.name in created_before}
    if not methods:
        return {}
    answer = job.client.batch({name: _before(methods[name], created_before[name]) for name in methods})
    return {name: _total(job.portal.name, answer, name, method) for name, method in methods.items()}


def counted(job: Job, method: str, filters: Sequence[Mapping[str, Any]]) -> list[int]:
    """What the portal has of each filter; fifty filters a request."""
    commands = {f"total_{number}": _counting(method, one) for number, one in enumerate(filters)}
    if not commands:
        return []
    answer = job.client.batch(commands)
    return [_total(job.portal.name, answer, name, method) for name in commands]


def _before(method: str, moment: datetime) -> Command:
    return _counting(method, {"<DATE_CREATE": moment.isoformat()})


def _counting(method: str, conditions: Mapping[str, Any]) -> Command:
    return Command(method, {"filter": dict(conditions), "select": ["ID"], "start": 0})


def _total(portal: str, answer: BatchAnswer, name: str, method: str) -> int:
    if name not in answer.totals:
        answer.get(name)
        raise UnreadableAnswer(portal, f"{method}: expected a total beside the rows, got none")
    return answer.totals[name]
