"""Every entity as data: method, key, cursor, columns."""

from __future__ import annotations

from b24_pipeline.entities.columns import Column, Kind
from b24_pipeline.entities.crm import COMPANY, CONTACT, DEAL, LEAD, USER
from b24_pipeline.entities.decode import RowDecoder
from b24_pipeline.entities.entity import Entity
from b24_pipeline.entities.history import DEAL_HISTORY, HISTORIES, LEAD_HISTORY, History
from b24_pipeline.entities.items import INVOICE, QUOTE, item_named, smart_process

CRM: tuple[Entity, ...] = (LEAD, DEAL, CONTACT, COMPANY)
"""The entities that are read of every portal."""

BY_NAME: dict[str, Entity] = {entity.name: entity for entity in CRM}


def find(name: str) -> Entity | None:
    """The entity of this name, of those that are always read and of those that can be chosen; None for no entity."""
    return BY_NAME.get(name) or item_named(name)


def named(name: str) -> Entity:
    """The entity of this name. Raises KeyError where there is none."""
    found = find(name)
    if found is None:
        raise KeyError(name)
    return found


__all__ = [
    "BY_NAME",
    "COMPANY",
    "CONTACT",
    "CRM",
    "DEAL",
    "DEAL_HISTORY",
    "HISTORIES",
    "INVOICE",
    "LEAD",
    "LEAD_HISTORY",
    "QUOTE",
    "USER",
    "Column",
    "Entity",
    "History",
    "Kind",
    "RowDecoder",
    "find",
    "item_named",
    "named",
    "smart_process",
]
