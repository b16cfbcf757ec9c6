"""Generates smart processes, smart invoices and quotes, drawn apart from the rest of the portal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.fields import Field
from b24_pipeline.sandbox.crm.item_entity import (
    INVOICE,
    INVOICE_TYPE_ID,
    QUOTE,
    QUOTE_TYPE_ID,
    CrmItemEntity,
)
from b24_pipeline.sandbox.crm.item_fields import every_smart_field, invoice_fields, quote_fields, smart_fields
from b24_pipeline.sandbox.crm.smart_types import SWITCHES, SmartTypeRecord, SmartTypeRecords
from b24_pipeline.sandbox.crm.stages import Directories, directory_of
from b24_pipeline.sandbox.data.custom import item_user_fields, user_column
from b24_pipeline.sandbox.data.dates import identifiers
from b24_pipeline.sandbox.data.histories import item_history
from b24_pipeline.sandbox.data.item_pipelines import add_item_pipeline, add_quote_stages, item_stages
from b24_pipeline.sandbox.data.journeys import Ints
from b24_pipeline.sandbox.data.smart_items import ItemLinks, ItemPlan, make_items, plan_items
from b24_pipeline.sandbox.rows.table import Table

_TITLES = ("Закупки", "Монтажи", "Рекламации", "Кандидаты", "Аренда техники", "Проекты")
_OFF: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset({"isCategoriesEnabled", "isBeginCloseDatesEnabled", "isSourceEnabled", "isObserversEnabled"}),
    frozenset({"isCategoriesEnabled", "isStagesEnabled", "isClientEnabled", "isMycompanyEnabled"}),
)
"""What the first, second and third type have switched off; then from the beginning."""


class SmartGeneration:
    """One run; its draws change nothing else of a portal."""

    def __init__(
        self,
        config: SandboxConfig,
        entities: Mapping[str, CrmEntity],
        directories: Directories,
        users: list[int],
    ) -> None:
        self._config, self._directories, self._users = config, directories, users
        self._rng = np.random.default_rng([config.seed, 2])
        self._now = int(config.now.timestamp())
        self._held = {name: entity.table.ids.copy() for name, entity in entities.items()}
        self._plans: dict[str, ItemPlan] = {}
        self._made: dict[str, CrmItemEntity] = {}
        self.types = SmartTypeRecords()

    def run(self) -> dict[str, CrmItemEntity]:
        """Quotes first: invoices hang below them; then each smart process, which may hang below one before it."""
        if self._config.quotes:
            add_quote_stages(self._directories)
            self._add(QUOTE, QUOTE_TYPE_ID, self._config.quotes, quote_fields(), "CRM_QUOTE")
        if self._config.invoices:
            add_item_pipeline(self._directories, INVOICE, "Счета", INVOICE_TYPE_ID)
            self._add(INVOICE, INVOICE_TYPE_ID, self._config.invoices, invoice_fields(), "CRM_SMART_INVOICE")
        for place in range(self._config.smart_types):
            self._add_smart(place)
        self._add_histories()
        return self._made

    def _add_smart(self, place: int) -> None:
        smart_type = self.types.add(self._smart_type(place))
        for name in ("Основная", "Дополнительная")[: 2 if smart_type.switches["isCategoriesEnabled"] else 1]:
            add_item_pipeline(self._directories, smart_type.entity_type, name, smart_type.entity_type_id)
        entity = self._add(
            smart_type.entity_type,
            smart_type.entity_type_id,
            self._config.smart_items,
            every_smart_field(smart_type.parents),
            f"CRM_{smart_type.id}",
        )
        entity.fields = smart_fields(smart_type.switches, smart_type.parents)

    def _smart_type(self, place: int) -> SmartTypeRecord:
        number, type_id = self.types.next_ids(int(self._rng.integers(1, 4)))
        made = self._now - int(self._rng.integers(300, 600)) * 86400
        earlier = (self.types.rows[-1].entity_type_id,) if place % 2 and self.types.rows else ()
        return SmartTypeRecord(
            id=number,
            entity_type_id=type_id,
            title=f"{_TITLES[place % len(_TITLES)]}{'' if place < len(_TITLES) else f' {place}'}",
            code=f"process_{number}",
            created_by=1,
            created=made,
            updated=made + 3600,
            switches={name: name not in _OFF[place % len(_OFF)] for name in SWITCHES},
            parents=(2, *earlier),
        )

    def _add(
        self, entity_type: str, type_id: int, count: int, fields: tuple[Field, ...], user_field_entity: str
    ) -> CrmItemEntity:
        stages = item_stages(self._directories, entity_type)
        plan = self._plans[entity_type] = plan_items(self._rng, count, stages, self._now)
        maker = make_items(self._rng, plan, fields, self._links(fields), self._now)
        own = item_user_fields(entity_type, user_field_entity, len(self._made))
        for user_field in own:
            maker.columns[user_field.name] = user_column(self._rng, user_field, count, self._now)
        entity = self._made[entity_type] = CrmItemEntity(
            entity_type, Table(plan.ids, maker.columns), None, fields, own,
            type_id=type_id,
            user_field_entity=user_field_entity,
            user_field_prefix=own[0].name[: own[0].name.rindex("_") + 1],
            default_directory=directory_of(entity_type, next(iter(stages))),
        )  # fmt: skip
        self._held[str(type_id)] = plan.ids
        return entity

    def _links(self, fields: tuple[Field, ...]) -> ItemLinks:
        ids = {
            "COMPANY_ID": self._held["company"],
            "MYCOMPANY_ID": self._held["company"][:2],
            "CONTACT_ID": self._held["contact"],
            "DEAL_ID": self._held["deal"],
            "LEAD_ID": self._held["lead"],
        }
        numbers = [name.rpartition("_")[2] for name in (one.name for one in fields) if "PARENT_ID_" in name]
        parents = {f"PARENT_ID_{number}": self._parents(number) for number in numbers}
        return ItemLinks(self._users, ids | parents)

    def _parents(self, number: str) -> Ints:
        return self._held["deal"] if number == "2" else self._held.get(number, self._held["deal"][:0])

    def _add_histories(self) -> None:
        """One table in the portal: ids are unique over all types, so those of one type have gaps."""
        told = [name for name, entity in self._made.items() if "MOVED_TIME" in entity.listed_fields()]
        moments = [self._plans[name].moves.moment for name in told]
        if not told:
            return
        order = np.argsort(np.concatenate(moments), kind="stable")
        ids = np.empty(len(order), dtype=np.int64)
        ids[order] = identifiers(self._rng, len(order), 5000)
        cuts = np.cumsum([len(one) for one in moments])[:-1]
        for name, own in zip(told, np.split(ids, cuts), strict=True):
            plan = self._plans[name]
            self._made[name].history = item_history(own, plan.tracks, plan.moves, plan.ids)
