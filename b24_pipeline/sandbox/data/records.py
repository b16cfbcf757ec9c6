"""Generates activities, calls and the other records, drawn apart from the rest of the portal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.crm.activity_links import ActivityLinks
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.item_entity import owner_code
from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.data.activities import make_activities, other_links, plan_activities
from b24_pipeline.sandbox.data.calls import make_calls, plan_calls
from b24_pipeline.sandbox.data.goods import make_prices, make_products, make_rows, make_sections
from b24_pipeline.sandbox.data.papers import make_comments, make_requisites, make_tasks


class RecordGeneration:
    """One run; its draws change nothing else of a portal."""

    def __init__(self, config: SandboxConfig, entities: Mapping[str, CrmEntity], users: list[int]) -> None:
        self._config, self._users = config, users
        self._now = int(config.now.timestamp())
        self._held = {name: entity.table.ids.copy() for name, entity in entities.items()}
        self._made: dict[str, RecordEntity] = {}
        self._owners = {
            owner_code(entity): entity.table.ids.copy()
            for entity in entities.values()
            if owner_code(entity) and (entity.type == "lead" or "OPPORTUNITY" in entity.listed_fields())
        }

    def run(self) -> tuple[dict[str, RecordEntity], ActivityLinks]:
        """Each kind has a generator of its own, so that the number of one changes nothing of another."""
        links = self._activities_and_calls(np.random.default_rng([self._config.seed, 3]))
        self._goods(np.random.default_rng([self._config.seed, 4]))
        self._papers(np.random.default_rng([self._config.seed, 6]))
        return self._made, links

    def _goods(self, rng: np.random.Generator) -> None:
        config = self._config
        sections = self._made["section"] = make_sections(rng, config.products)
        products = make_products(rng, config.products, sections.table.ids, self._users, self._now)
        self._made["product"] = products
        self._made["price"] = make_prices(rng, products.table.ids, self._now)
        rows = np.random.default_rng([config.seed, 5])
        self._made["product_row"] = make_rows(rows, config.product_rows, self._owners, products)

    def _papers(self, rng: np.random.Generator) -> None:
        config, users, now = self._config, self._users, self._now
        links = [f"{code}_{number}" for code, ids in self._owners.items() for number in ids[:20].tolist()]
        self._made["task"] = make_tasks(rng, config.tasks, links, users, now)
        self._made["requisite"] = make_requisites(rng, config.requisites, self._held, users, now)
        self._made["comment"] = make_comments(rng, config.comments, self._held, users, now)

    def _activities_and_calls(self, rng: np.random.Generator) -> ActivityLinks:
        config = self._config
        plan = plan_activities(rng, config.activities, config.calls, self._held, self._now)
        calls = plan_calls(rng, config.calls, plan, self._now)
        of_activities = [calls.call_id(place) for place in np.flatnonzero(calls.activities >= 0).tolist()]
        self._made["activity"] = make_activities(rng, plan, of_activities, self._users, self._now)
        self._made["call"] = make_calls(rng, calls, plan, self._held, self._users)
        others = other_links(rng, plan, self._held["contact"])
        return ActivityLinks(self._made["activity"].table, others)
