"""The management calls for the conditions of qualification, which name values of custom fields."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import Conditions
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.routes.account import ChosenPortal
from b24_pipeline.web.routes.management import management_routes


class QualificationFields(BaseModel):
    """Up to three conditions, each of which suffices. With an empty list nothing is qualified by a condition."""

    model_config = ConfigDict(extra="forbid")

    fields: Conditions


class QualificationCalls:
    """The calls GET and PATCH `/bitrix24/qualification-fields`; `guard` checks the key."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._warehouse = warehouse
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with both calls."""
        routes = management_routes("qualification", self._guard)
        path = "/qualification-fields"
        routes.add_api_route(path, self.conditions, response_model_exclude_none=True)
        routes.add_api_route(path, self.set_conditions, methods=["PATCH"], response_model_exclude_none=True)
        return routes

    def conditions(self, portal: ChosenPortal) -> QualificationFields:
        """The conditions of qualification, in order."""
        stored = self._warehouse.transact(evaluation.conditions_of, portal.id)
        return QualificationFields(fields=stored)

    def set_conditions(self, wanted: QualificationFields, portal: ChosenPortal) -> QualificationFields:
        """Replaces the conditions, and evaluates every lead and deal by them before the answer."""
        stored = self._warehouse.transact(evaluation.set_conditions, portal.id, wanted.fields)
        return QualificationFields(fields=stored)
