"""The page of qualification: up to three conditions on custom fields, tried before they are saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from b24_pipeline.errors import ConditionRefused
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.figures.qualification import QualifiedCount, qualified_counts, tried_counts
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import MOST_CONDITIONS, Condition
from b24_pipeline.store.qualification.fields import FieldChoice, choices
from b24_pipeline.web.frame.page_frame import PageFrame, PeriodInAddress, PortalFrame, PortalInPath
from b24_pipeline.web.frame.period import Period
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.problems import answer_to

OWNERS = ("deal", "lead", "contact")
FieldsByOwner = Mapping[str, Mapping[str, FieldChoice]]
"""The fields that a condition can name, by whose they are and by code."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for a condition: the chosen field, as deal:UF_CRM_1, and the value that it has to have."""

    code: str
    value: str
    field: FieldChoice | None

    @property
    def kind(self) -> str:
        """boolean, enumeration or string; "" where no field is chosen."""
        return self.field.user_type_id if self.field else ""

    @property
    def lacks(self) -> str:
        """What is missing: field (the portal does not have it), enumeration or string (a value), or ""."""
        if not self.code:
            return ""
        if self.field is None:
            return "field"
        return "" if self.kind == "boolean" or self.value else self.kind  # a yes needs no value


class QualificationPage:
    """The routes `/p/{portal}/qualification`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its form."""
        routes = signed_in.routes()
        path = "/p/{portal}/qualification"
        routes.add_api_route(path, self.qualification)
        routes.add_api_route(path, self.save, methods=["POST"])
        return routes

    def qualification(
        self, portal: PortalInPath, frame: PortalFrame, period: PeriodInAddress, request: Request
    ) -> HTMLResponse:
        """The stored conditions, or those of the address, and how many fulfil them."""
        return self._page(frame, portal, period, request.query_params)

    async def save(
        self, portal: PortalInPath, frame: PortalFrame, period: PeriodInAddress, request: Request
    ) -> Response:
        """Stores the conditions of the form, and evaluates every lead and deal by them before the answer."""
        given = {name: str(value) for name, value in (await request.form()).items()}
        return await run_in_threadpool(self._save, frame, portal, period, given)

    def _save(self, frame: PageFrame, portal: Portal, period: Period, given: Mapping[str, str]) -> Response:
        def work(connection: Connection) -> bool:
            slots = [] if given.get("clear") else _slots(_fields(connection, portal), given)
            if any(slot.lacks for slot in slots):
                return False
            evaluation.set_conditions(connection, portal.id, conditions_of(slots))
            return True

        try:
            if not self._warehouse.transact(work):
                return self._page(frame, portal, period, given, status=422)
        except ConditionRefused as error:
            return self._page(frame, portal, period, given, problem=error)
        return RedirectResponse(frame.address("qualification", saved="yes"), 303)

    def _page(
        self,
        frame: PageFrame,
        portal: Portal,
        period: Period,
        given: Mapping[str, str],
        problem: ConditionRefused | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        with self._warehouse.connect() as connection:
            fields = _fields(connection, portal)
            stored = _stored(evaluation.conditions_of(connection, portal.id))
            is_tried = "field1" in given and frame.holder.may("manager")
            slots = _slots(fields, given if is_tried else stored)
            counts: Sequence[QualifiedCount] = []
            if problem is None:
                try:
                    counts = self._counts(connection, portal, period, slots if is_tried else None)
                except ConditionRefused as error:
                    problem = error
        return frame.page(
            "qualification.html",
            status=422 if problem else status,
            problem=problem and answer_to(problem),
            owners=OWNERS,
            fields=fields,
            slots=slots,
            counts=counts,
            is_tried=is_tried,
            is_sent=frame.request.method == "POST",
        )

    def _counts(
        self, connection: Connection, portal: Portal, period: Period, slots: Sequence[Slot] | None
    ) -> list[QualifiedCount]:
        if slots is None:
            return qualified_counts(connection, portal, period.first, period.last)
        return tried_counts(connection, portal, conditions_of(slots), period.first, period.last)


def conditions_of(slots: Sequence[Slot]) -> list[Condition]:
    """The conditions of the places that are filled. Raises ConditionRefused."""
    return [_condition(slot, slot.field) for slot in slots if slot.field and not slot.lacks]


def _condition(slot: Slot, field: FieldChoice) -> Condition:
    wanted: dict[str, Any] = {
        "entity_type": slot.code.partition(":")[0],
        "field_name": field.field_name,
        "field_type": field.user_type_id,
    }
    if field.user_type_id == "enumeration":
        wanted["enum_id"] = slot.value
    elif field.user_type_id == "string":
        wanted["enum_value"] = slot.value
    try:
        return Condition.model_validate(wanted)
    except ValidationError as error:
        raise ConditionRefused(f"{field.label}: {error.errors()[0]['msg']}") from None


def _fields(connection: Connection, portal: Portal) -> FieldsByOwner:
    return {
        owner: {field.field_name: field for field in choices(connection, portal.id, owner)}
        for owner in OWNERS
    }


def _stored(conditions: Sequence[Condition]) -> dict[str, str]:
    """Conditions as the form has them."""
    given = {}
    for number, condition in enumerate(conditions, 1):
        given[f"field{number}"] = f"{condition.entity_type}:{condition.field_name}"
        given[f"value{number}"] = condition.essence["wanted"] or ""
    return given


def _slots(fields: FieldsByOwner, given: Mapping[str, str]) -> list[Slot]:
    return [
        _slot(fields, given.get(f"field{number}", ""), given.get(f"value{number}", ""))
        for number in range(1, MOST_CONDITIONS + 1)
    ]


def _slot(fields: FieldsByOwner, code: str, value: str) -> Slot:
    owner, _, name = code.partition(":")
    field = fields.get(owner, {}).get(name)
    if (
        field
        and field.user_type_id == "enumeration"
        and value not in {option["id"] for option in field.options}
    ):
        value = ""
    return Slot(code, value.strip(), field)
