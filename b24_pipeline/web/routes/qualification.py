"""The management calls for the conditions of qualification, which name values of custom fields."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import Conditions
from b24_pipeline.web.middleware.security import Guard
from b24_pipeline.web.routes.account import Account, chosen_portal
from b24_pipeline.web.routes.management import management_routes


class QualificationFields(BaseModel):
    """Up to three conditions, each of which suffices. With an empty list nothing is qualified by a condition."""

    model_config = ConfigDict(extra="forbid")

    fields: Conditions


class QualificationCalls:
    """The calls GET and PATCH `/bitrix24/qualification-fields`; `guard` checks the key."""

    def __init__(self, portals: Portals, warehouse: Warehouse, guard: Guard) -> None:
        self._portals = portals
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with both calls."""
        routes = management_routes("qualification", self._guard)
        path = "/qualification-fields"
        routes.add_api_route(path, self.conditions, response_model_exclude_none=True)
        routes.add_api_route(path, self.set_conditions, methods=["PATCH"], response_model_exclude_none=True)
        return routes

    def conditions(self, account: Account = None) -> QualificationFields:
        """The conditions of qualification, in order."""
        portal = chosen_portal(self._portals, account)
        stored = self._warehouse.transact(evaluation.conditions_of, portal.id)
        return QualificationFields(fields=stored)

    def set_conditions(self, wanted: QualificationFields, account: Account = None) -> QualificationFields:
        """Replaces the conditions, and evaluates every lead and deal by them before the answer."""
        portal = chosen_portal(self._portals, account)
        stored = self._warehouse.transact(evaluation.set_conditions, portal.id, wanted.fields)
        return QualificationFields(fields=stored)
