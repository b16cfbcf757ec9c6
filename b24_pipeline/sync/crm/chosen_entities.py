"""The entities that are read of a portal: those of every portal, and those that were chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from b24_pipeline.entities import CRM, Entity, History, find
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.sync.job import Job


def chosen_entities(job: Job) -> tuple[Entity, ...]:
    """The entities that were chosen for this portal; those whose stages it has switched off have no history."""
    without_stages = frozenset(job.transact(entity_choice.without_stages))
    found = (find(name) for name in job.transact(entity_choice.chosen))
    return tuple(
        replace(entity, history=None) if entity.name in without_stages else entity
        for entity in found
        if entity is not None
    )


def all_entities(job: Job) -> tuple[Entity, ...]:
    """The entities that are read of this portal."""
    return (*CRM, *chosen_entities(job))


def histories_of(entities: Iterable[Entity]) -> tuple[History, ...]:
    """The histories of those of these entities that have stages and a history of them."""
    return tuple(entity.history for entity in entities if entity.history is not None)
