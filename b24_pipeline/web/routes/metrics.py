"""The route `/metrics`: totals for anybody, and with the key the figures of each portal."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from b24_pipeline.errors import DatabaseError, RoleTooLow
from b24_pipeline.web.guard import Guard, given_key
from b24_pipeline.web.problems import Problem

_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {
        "description": "A key was given, and it is wrong.",
        "content": {"application/json": {"schema": Problem.model_json_schema()}},
    }
}


class Metrics:
    """The call `/metrics`. `totals` name no portal; `portals` are shown to whoever passes the guard."""

    def __init__(self, totals: CollectorRegistry, portals: CollectorRegistry, guard: Guard) -> None:
        self._totals = totals
        self._portals = portals
        self._guard = guard

    def router(self) -> APIRouter:
        """The router with this call."""
        routes = APIRouter(tags=["health"])
        routes.add_api_route("/metrics", self.metrics, response_class=PlainTextResponse, responses=_REFUSED)
        return routes

    def metrics(self, request: Request, key: HTTPAuthorizationCredentials | None = given_key) -> Response:
        """Figures for Prometheus: requests, events and totals; with the key each portal's lag, backlog and state."""
        text = generate_latest(self._totals)
        if key is not None and self._may_see_portals(request, key):
            text += generate_latest(self._portals)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    def _may_see_portals(self, request: Request, key: HTTPAuthorizationCredentials) -> bool:
        """Whether the key is good; not while the database is away, which the totals say."""
        try:
            holder = self._guard.holder(request.scope, key)
        except DatabaseError:
            return False
        if holder.portals is not None:
            raise RoleTooLow(f"the key {holder.name!r} is for some portals; these are figures of all")
        return True
