"""An error as a page within the frame: whoever is signed in keeps navigation, portal and filters."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from b24_pipeline.errors import B24Error, WrongDates
from b24_pipeline.store.access.holder import KeyHolder
from b24_pipeline.store.checks.as_of import freshness
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.frame.page_frame import PageFrame
from b24_pipeline.web.frame.period import Period, period_of
from b24_pipeline.web.frame.rendering import page_behind
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.problems import ProblemAnswer

_DAYS = ("from", "to")


def framed_problem(
    request: Request, signed_in: SignedIn, error: Exception, answer: ProblemAnswer, **values: Any
) -> HTMLResponse | None:
    """The page of an error; None where nobody is signed in, or where the database cannot say."""
    try:
        holder = getattr(request.state, "holder", None) or signed_in.holder(request)
        if holder is None:
            return None
        request.state.session = signed_in.cookie.value(request)
        frame = _frame(request, holder)
    except B24Error:
        return None
    days = {name: request.query_params.get(name, "") for name in _DAYS}
    is_get = request.method == "GET"
    return frame.page(
        "problem_framed.html",
        status=answer.status,
        problem=answer,
        days=days if isinstance(error, WrongDates) and is_get else None,
        kept=[(name, value) for name, value in request.query_params.items() if name not in (*_DAYS, "lang")],
        behind=None if is_get else page_behind(request),
        **values,
    )


def _frame(request: Request, holder: KeyHolder) -> PageFrame:
    portals = [portal for portal in request.app.state.portals.all() if holder.sees(portal.id)]
    portal = _portal_of(request, portals)
    if portal is None:
        return PageFrame(request, holder, portals)
    known = freshness(request.app.state.warehouse, portal.id, portal.entity_type)
    return PageFrame(request, holder, portals, portal, _period_of(request, portal), known)


def _portal_of(request: Request, portals: list[Portal]) -> Portal | None:
    """The portal of `/p/{portal}/...`, also where there is no such page."""
    start, _, rest = request.url.path.lstrip("/").partition("/")
    name, is_inside, _ = rest.partition("/")
    if start != "p" or not is_inside:
        return None
    return next((portal for portal in portals if portal.name == name), None)


def _period_of(request: Request, portal: Portal) -> Period:
    """The days of the address for the links to other pages: turned round where they were, else the usual ones."""
    first, last = (request.query_params.get(name) for name in _DAYS)
    for days in ((first, last), (last, first)):
        try:
            return period_of(*days, portal.time_zone)
        except WrongDates:
            continue
    return period_of(None, None, portal.time_zone)
