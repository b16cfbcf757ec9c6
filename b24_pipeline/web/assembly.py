"""The application, put together: routes, what protects them, and what errors look like."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from b24_pipeline.errors import B24Error
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.portals.oauth import Connecting
from b24_pipeline.web.body_limit import BodyLimit
from b24_pipeline.web.connect.cookies import BrowserCookie
from b24_pipeline.web.connect.pages import page, wants_page
from b24_pipeline.web.connect.routes import ConnectPages
from b24_pipeline.web.events.receiver import Receiver
from b24_pipeline.web.events.webhook import Webhook, described
from b24_pipeline.web.metrics.requests import Requests, metrics_route
from b24_pipeline.web.middleware.access_log import Access
from b24_pipeline.web.middleware.security import SecurityHeaders, management_key
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.problems import answer_to
from b24_pipeline.web.routes.creatives import CreativeCalls
from b24_pipeline.web.routes.custom_fields import FieldCalls
from b24_pipeline.web.routes.directions import DirectionCalls
from b24_pipeline.web.routes.health import Health
from b24_pipeline.web.routes.own_leads import OwnLeadCalls
from b24_pipeline.web.routes.portals import PortalCalls
from b24_pipeline.web.routes.qualification import QualificationCalls
from b24_pipeline.web.routes.stages import StageCalls

_DESCRIPTION = "Connects Bitrix24 portals and lands their events."
_STYLE = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is put together from.

    `look` raises B24Error where the database cannot be used; `running` is
    entered while the application runs; `admin_key` None closes the management calls.
    """

    public_url: str
    warehouse: Warehouse
    portals: Portals
    service: PortalService
    receiver: Receiver
    look: Callable[[], object]
    connecting: Connecting | None = None
    admin_key: str | None = field(default=None, repr=False)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    running: Callable[[], AbstractAsyncContextManager[None]] = nullcontext


def assemble(parts: Parts) -> FastAPI:
    """The application of these parts."""
    app = FastAPI(
        title="b24-pipeline",
        description=_DESCRIPTION,
        version=version("b24-pipeline"),
        docs_url=None,  # theirs load scripts from another host
        redoc_url=None,
        lifespan=lambda _app: parts.running(),
        middleware=_protection(parts),
        exception_handlers=_TOLD,
    )
    app.include_router(ConnectPages(parts.connecting, BrowserCookie(parts.public_url)).router())
    for routes in _management(parts):
        app.include_router(routes)
    app.include_router(Health(parts.look).router())
    app.include_router(metrics_route(parts.registry))
    app.mount("/static", StaticFiles(directory=_STYLE))
    add_docs(app)
    _describe_webhook(app)
    return app


def _management(parts: Parts) -> list[APIRouter]:
    """Routes behind the key: those that ask a portal have the service, the others the database."""
    portals, warehouse, service = parts.portals, parts.warehouse, parts.service
    guard = management_key(parts.admin_key)
    return [
        PortalCalls(portals, service, guard).router(),
        StageCalls(portals, warehouse, guard).router(),
        FieldCalls(portals, warehouse, guard).router(),
        QualificationCalls(portals, warehouse, guard).router(),
        OwnLeadCalls(portals, service, guard).router(),
        DirectionCalls(portals, warehouse, guard).router(),
        CreativeCalls(portals, warehouse, guard).router(),
    ]


def _describe_webhook(app: FastAPI) -> None:
    """FastAPI knows its routes alone."""
    of_routes = app.openapi
    app.openapi = lambda: described(of_routes())  # type: ignore[method-assign]


def _protection(parts: Parts) -> list[Middleware]:
    """Outermost first: an answer of the last resort gets the headers too."""
    return [
        Middleware(SecurityHeaders, https=parts.public_url.startswith("https://")),
        Middleware(Access, requests=Requests(parts.registry)),
        Middleware(Webhook, receiver=parts.receiver),
        Middleware(BodyLimit),
    ]


def tell(request: Request, error: Exception) -> Response:
    """The error as a page where a browser asks, else as JSON."""
    answer = answer_to(error)
    if wants_page(request):
        return page(request, "problem.html", status=answer.status, problem=answer)
    return JSONResponse(answer.body, answer.status, answer.headers)


_TOLD: dict[int | type[Exception], Any] = dict.fromkeys(
    (B24Error, RequestValidationError, HTTPException), tell
)


def add_docs(app: FastAPI) -> None:
    """Adds the page; it shows what the app has at the time of asking."""

    def docs(request: Request) -> HTMLResponse:
        return page(request, "docs.html", schema=app.openapi())

    app.add_api_route("/docs", docs, include_in_schema=False)
