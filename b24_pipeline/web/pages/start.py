"""The bare address: it leads to the funnel of the portal, or to the portals where there are none or several."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from b24_pipeline.web.frame.page_frame import PlainFrame
from b24_pipeline.web.frame.signed_in import SignedIn


def start_routes(signed_in: SignedIn) -> APIRouter:
    """The route `/`."""
    routes = signed_in.routes()
    routes.add_api_route("/", _start)
    return routes


def _start(frame: PlainFrame) -> RedirectResponse:
    shown = [portal for portal in frame.portals if portal.status != "disconnected"]
    only = shown[0] if len(shown) == 1 else None
    return RedirectResponse(frame.address("funnel", only) if only else "/portals", 303)
