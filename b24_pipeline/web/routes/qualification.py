"""The management calls for qualification: which values of which fields make a lead or deal qualified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.qualification.conditions import Condition, Conditions
from b24_pipeline.web.middleware.security import Guard
from b24_pipeline.web.routes.shared import Account, HasPortals, chosen, management_routes


class QualificationFields(BaseModel):
    """Up to three conditions; any one suffices. None: nobody is qualified by conditions."""

    model_config = ConfigDict(extra="forbid")

    fields: Conditions


class ManagesQualification(HasPortals, Protocol):
    """What a person has done to conditions: `sync.managing.Managing`."""

    def conditions(self, portal: Portal) -> Sequence[Condition]:
        """The portal's conditions, in order. Raises ConditionRefused."""

    def set_conditions(self, portal: Portal, conditions: Sequence[Condition]) -> Sequence[Condition]:
        """The conditions afterwards; everything is evaluated by them. Raises ConditionRefused."""


class QualificationCalls:
    """`/bitrix24/qualification-fields`, behind the guard."""

    def __init__(self, managing: ManagesQualification, guard: Guard) -> None:
        self._managing = managing
        self._guard = guard

    def router(self) -> APIRouter:
        """The routes."""
        routes = management_routes("qualification", self._guard)
        path = "/qualification-fields"
        routes.add_api_route(path, self.conditions, response_model_exclude_none=True)
        routes.add_api_route(path, self.set_conditions, methods=["PATCH"], response_model_exclude_none=True)
        return routes

    def conditions(self, account: Account = None) -> QualificationFields:
        """The conditions of qualification, in order."""
        return _told(self._managing.conditions(chosen(self._managing, account)))

    def set_conditions(self, wanted: QualificationFields, account: Account = None) -> QualificationFields:
        """Replaces the conditions. Every lead and deal is evaluated by them before the answer."""
        return _told(self._managing.set_conditions(chosen(self._managing, account), wanted.fields))


def _told(conditions: Sequence[Condition]) -> QualificationFields:
    return QualificationFields(fields=tuple(conditions))
