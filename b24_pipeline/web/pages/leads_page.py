"""The page of own leads: the list with matches and reasons, and links that a person sets."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from b24_pipeline.errors import UsageError
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.figures.own_leads import (
    OwnLeadFilters,
    OwnLeadTotals,
    candidates,
    count_own_leads,
    is_by_hand,
    own_lead,
    own_leads,
    totals,
)
from b24_pipeline.store.own_leads.links import LinkedTo
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.own_leads.by_hand import Wanted, link_by_hand
from b24_pipeline.web.frame.addresses import origin_of_portal
from b24_pipeline.web.frame.given import GivenText, Key
from b24_pipeline.web.frame.page_frame import PageFrame, PortalFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.pages.own_lead_texts import CHOSEN, METHODS, REASONS, as_seen, sees_contacts
from b24_pipeline.web.problems import answer_to

ROWS = 50
_CARD = re.compile(r"/crm/(deal|lead)/details/(\d{1,19})(?!\d)", re.ASCII)
_NUMBER = re.compile(r"[№#]?\s*(\d{1,19})", re.ASCII)
_LINKED = {"yes": True, "no": False}


class LeadsPage:
    """The routes `/p/{portal}/leads` and `/p/{portal}/leads/one`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The list, the page of one own lead, and the form that links it."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/leads", self.leads)
        routes.add_api_route("/p/{portal}/leads/one", self.one)
        routes.add_api_route("/p/{portal}/leads/one", self.link, methods=["POST"])
        return routes

    def leads(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        linked: Literal["", "yes", "no"] = "",
        search: GivenText = None,
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> HTMLResponse:
        """All own leads, the latest first, 50 a page."""
        filters = OwnLeadFilters(
            is_linked=_LINKED.get(linked), search=search, in_contacts=sees_contacts(frame.holder)
        )
        with self._warehouse.connect() as connection:
            known = totals(connection, portal.id)
            listed = own_leads(connection, portal, filters, most=ROWS, skipped=(page - 1) * ROWS)
            found = count_own_leads(connection, portal, filters) if search else _known(known, linked)
        return frame.page(
            "leads.html",
            totals=known,
            own_leads=as_seen(frame.holder, listed),
            in_contacts=filters.in_contacts,
            found=found,
            linked=linked,
            search=search or "",
            page_number=page,
            rows_a_page=ROWS,
            problem=None,
            one=lambda own: frame.address("leads/one", lead=own.id),
            **_TEXTS,
        )

    def one(
        self, portal: PortalInPath, frame: PortalFrame, lead: Annotated[Key, Query()] = None
    ) -> HTMLResponse:
        """One own lead, what it has become, and what else it could be linked to."""
        return self._one(frame, portal, lead)

    def link(
        self,
        portal: PortalInPath,
        frame: PortalFrame,
        lead: Annotated[Key, Form()] = None,
        wanted: Annotated[Literal["link", "nothing", "by_phone"], Form()] = "link",
        kind: Annotated[Literal["deal", "lead"], Form()] = "deal",
        entity: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        """Links the own lead to a deal or lead or to nothing, or lets the matching decide again."""
        if lead is None:
            raise UsageError("no own lead was named").of_case("no_own_lead")
        try:
            chosen: Wanted = entity_of(portal, kind, entity) if wanted == "link" else wanted
            link_by_hand(self._warehouse, portal, lead, chosen)
        except UsageError as error:
            return self._one(frame, portal, lead, status=422, problem=answer_to(error), given=entity)
        return RedirectResponse(frame.address("leads/one", lead=lead, saved="yes"), 303)

    def _one(
        self, frame: PageFrame, portal: Portal, lead: UUID | None, status: int = 200, **values: Any
    ) -> HTMLResponse:
        with self._warehouse.connect() as connection:
            own = own_lead(connection, portal.id, lead) if lead else None
            if own is None:
                raise UsageError("there is no such own lead in this portal").of_case("no_own_lead")
            shown = {
                "own": as_seen(frame.holder, [own])[0],
                "candidates": candidates(connection, portal.id, own.id),
                "is_by_hand": is_by_hand(connection, portal.id, own.id),
                "problem": None,
                "given": "",
            }
        return frame.page("lead.html", status=status, **shown | _TEXTS | values)


def _known(known: OwnLeadTotals, linked: str) -> int:
    """How many there are with this filter alone."""
    return {"yes": known.linked, "no": known.own_leads - known.linked}.get(linked, known.own_leads)


_TEXTS: dict[str, Any] = {"methods": METHODS, "chosen_because": CHOSEN, "unmatched": REASONS}


def entity_of(portal: Portal, kind: str, text: str) -> LinkedTo:
    """A deal or lead by its number, or by the address of its card in this portal. Raises UsageError."""
    given = text.strip()
    if number := _NUMBER.fullmatch(given):
        return LinkedTo(kind, int(number[1]))
    card = _CARD.search(given)
    if card is None:
        raise UsageError("expected the number of a deal or lead, or the address of its card").of_case(
            "no_card"
        )
    if "://" in given and _host(given) != _host(origin_of_portal(portal)):
        raise UsageError(f"this is the address of another portal; expected one of {portal.domain}").of_case(
            "card_elsewhere", domain=portal.domain
        )
    return LinkedTo(card[1], int(card[2]))


def _host(address: str) -> str:
    return address.partition("://")[2].partition("/")[0].lower()
