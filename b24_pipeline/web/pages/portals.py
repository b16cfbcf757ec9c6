"""The page of the portals: how each stands."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from b24_pipeline.web.frame.page_frame import PlainFrame
from b24_pipeline.web.frame.signed_in import SignedIn


def portal_routes(signed_in: SignedIn) -> APIRouter:
    """The route `/portals`."""
    routes = signed_in.routes()
    routes.add_api_route("/portals", _portals)
    return routes


def _portals(frame: PlainFrame) -> HTMLResponse:
    return frame.page("portals.html")
