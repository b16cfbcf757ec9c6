"""Every entity as data: method, key, cursor, columns."""

from __future__ import annotations

from b24_pipeline.entities.columns import Column, Kind
from b24_pipeline.entities.crm import COMPANY, CONTACT, DEAL, LEAD, USER
from b24_pipeline.entities.decode import RowDecoder
from b24_pipeline.entities.entity import Entity
from b24_pipeline.entities.history import DEAL_HISTORY, HISTORIES, LEAD_HISTORY, History

CRM: tuple[Entity, ...] = (LEAD, DEAL, CONTACT, COMPANY)
BY_NAME: dict[str, Entity] = {entity.name: entity for entity in CRM}

__all__ = [
    "BY_NAME",
    "COMPANY",
    "CONTACT",
    "CRM",
    "DEAL",
    "DEAL_HISTORY",
    "HISTORIES",
    "LEAD",
    "LEAD_HISTORY",
    "USER",
    "Column",
    "Entity",
    "History",
    "Kind",
    "RowDecoder",
]
