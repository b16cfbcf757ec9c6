"""Generates activities, calls and the other records, drawn apart from the rest of the portal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.crm.activity_links import ActivityLinks
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.data.activities import make_activities, other_links, plan_activities
from b24_pipeline.sandbox.data.calls import make_calls, plan_calls


class RecordGeneration:
    """One run; its draws change nothing else of a portal."""

    def __init__(self, config: SandboxConfig, entities: Mapping[str, CrmEntity], users: list[int]) -> None:
        self._config, self._users = config, users
        self._now = int(config.now.timestamp())
        self._held = {name: entity.table.ids.copy() for name, entity in entities.items()}
        self._made: dict[str, RecordEntity] = {}

    def run(self) -> tuple[dict[str, RecordEntity], ActivityLinks]:
        """Each kind has a generator of its own, so that the number of one changes nothing of another."""
        links = self._activities_and_calls(np.random.default_rng([self._config.seed, 3]))
        return self._made, links

    def _activities_and_calls(self, rng: np.random.Generator) -> ActivityLinks:
        config = self._config
        plan = plan_activities(rng, config.activities, config.calls, self._held, self._now)
        calls = plan_calls(rng, config.calls, plan, self._now)
        of_activities = [calls.call_id(place) for place in np.flatnonzero(calls.activities >= 0).tolist()]
        self._made["activity"] = make_activities(rng, plan, of_activities, self._users, self._now)
        self._made["call"] = make_calls(rng, calls, plan, self._held, self._users)
        others = other_links(rng, plan, self._held["contact"])
        return ActivityLinks(self._made["activity"].table, others)
