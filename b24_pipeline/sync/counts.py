"""How many rows the portal itself counts: a `total` costs one command."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from b24_pipeline.bitrix.client import Command
from b24_pipeline.entities import CRM
from b24_pipeline.errors import UnreadableAnswer
from b24_pipeline.sync.job import Job


def totals(job: Job, created_before: Mapping[str, datetime]) -> dict[str, int]:
    """By entity, what the portal has that was created before that moment; one request for all."""
    methods = {entity.name: entity.method for entity in CRM if entity.name in created_before}
    commands = {name: _counted(method, created_before[name]) for name, method in methods.items()}
    answer = job.client.batch(commands) if commands else None
    counted: dict[str, int] = {}
    for name in methods:
        if answer is None or name not in answer.totals:
            if answer is not None:
                answer.get(name)
            raise UnreadableAnswer(job.portal.name, f"{methods[name]} told no total")
        counted[name] = answer.totals[name]
    return counted


def _counted(method: str, before: datetime) -> Command:
    conditions = {"<DATE_CREATE": before.isoformat()}
    return Command(method, {"filter": conditions, "select": ["ID"], "start": 0})
