"""The part of every page that says that its figures are being counted anew, and the button that has them counted."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import RedirectResponse

from b24_pipeline.web.frame.navigation import FIGURES, SETTINGS
from b24_pipeline.web.frame.page_frame import PortalFrame
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.recounts import Recounts

MOST_FILTERS = 2048
"""Characters; a longer query is none of ours."""

_SHOW_FIGURES = frozenset(entry.name for entry in FIGURES)
_PAGES = _SHOW_FIGURES | {entry.name for entry in SETTINGS}


class RecountPage:
    """The route `/p/{portal}/recount`."""

    def __init__(self, recounts: Recounts) -> None:
        self._recounts = recounts

    def router(self, signed_in: SignedIn) -> APIRouter:
        """What a page asks while figures are being counted, and the form that starts it."""
        routes = signed_in.routes()
        routes.add_api_route("/p/{portal}/recount", self.standing)
        routes.add_api_route("/p/{portal}/recount", self.start, methods=["POST"])
        return routes

    def standing(self, frame: PortalFrame, shown: str = Query("", max_length=40)) -> Response:
        """Nothing while they are counted. Then a page of figures is loaded anew; one with forms is told so."""
        if self._recounts.is_running:
            return Response(status_code=204)
        if shown in _SHOW_FIGURES:
            return Response(status_code=204, headers={"HX-Refresh": "true"})
        return frame.page("recounted.html")

    def start(
        self,
        frame: PortalFrame,
        page: Annotated[str, Form(max_length=40)] = "",
        filters: Annotated[str, Form()] = "",
    ) -> RedirectResponse:
        """Has the figures counted, and leads back to the page with its filters: the query of its address."""
        self._recounts.ask()
        kept = filters.removeprefix("?") if len(filters) < MOST_FILTERS else ""
        chosen = dict(parse_qsl(kept, keep_blank_values=True))
        return RedirectResponse(frame.address(page if page in _PAGES else "creatives", **chosen), 303)
