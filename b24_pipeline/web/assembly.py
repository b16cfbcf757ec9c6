"""The FastAPI application, put together: routes, middleware and the handlers of errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from b24_pipeline.errors import B24Error, PortalError
from b24_pipeline.store.access.holder import KeyHolder
from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.access.sessions import SECONDS, Sessions
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.portals.oauth import PortalConnector
from b24_pipeline.sync.portals.visitors import PortalVisitors
from b24_pipeline.web.body_limit import BodyLimit
from b24_pipeline.web.client_address import ClientAddresses
from b24_pipeline.web.connect.entities_page import EntitiesPage
from b24_pipeline.web.connect.inside import InsidePage, is_opened_inside
from b24_pipeline.web.connect.mending import ConnectValues
from b24_pipeline.web.connect.routes import CONNECT, ConnectPages
from b24_pipeline.web.connect.wizard import WIZARD, ConnectWizard
from b24_pipeline.web.events.receiver import Receiver
from b24_pipeline.web.events.webhook import Webhook, described
from b24_pipeline.web.frame.assets import asset_routes
from b24_pipeline.web.frame.cookies import BrowserCookie
from b24_pipeline.web.frame.problem_frame import framed_problem
from b24_pipeline.web.frame.reasons import REASONS
from b24_pipeline.web.frame.rendering import page, wants_page
from b24_pipeline.web.frame.sign_in import SignIn
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.guard import Guard
from b24_pipeline.web.metrics.requests import Requests
from b24_pipeline.web.middleware.access_log import Access
from b24_pipeline.web.middleware.requests_at_once import RequestsAtOnce
from b24_pipeline.web.middleware.security import PAGE, SecurityHeaders
from b24_pipeline.web.pages.access_page import AccessPage
from b24_pipeline.web.pages.cohorts_page import CohortsPage
from b24_pipeline.web.pages.creatives_page import CreativesPage
from b24_pipeline.web.pages.flow_page import FlowPage
from b24_pipeline.web.pages.funnel_page import FunnelPage
from b24_pipeline.web.pages.key_stages_page import KeyStagesPage
from b24_pipeline.web.pages.lead_upload import LeadUploadPage
from b24_pipeline.web.pages.leads_page import LeadsPage
from b24_pipeline.web.pages.people_page import PeoplePage
from b24_pipeline.web.pages.portals_page import PortalsPage
from b24_pipeline.web.pages.qualification_page import QualificationPage
from b24_pipeline.web.pages.recount_page import RecountPage
from b24_pipeline.web.pages.revenue_page import RevenuePage
from b24_pipeline.web.pages.speed_page import SpeedPage
from b24_pipeline.web.pages.stages_page import StagesPage
from b24_pipeline.web.pages.start import start_routes
from b24_pipeline.web.pages.trust_page import TrustPage
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.problems import answer_to
from b24_pipeline.web.recounts import Recounts
from b24_pipeline.web.routes.access_keys import KeyCalls
from b24_pipeline.web.routes.audit import AuditCalls
from b24_pipeline.web.routes.creatives import CreativeCalls
from b24_pipeline.web.routes.custom_fields import FieldCalls
from b24_pipeline.web.routes.directions import DirectionCalls
from b24_pipeline.web.routes.entities import EntityCalls
from b24_pipeline.web.routes.figures import FigureCalls
from b24_pipeline.web.routes.health import Health
from b24_pipeline.web.routes.metrics import Metrics
from b24_pipeline.web.routes.own_leads import OwnLeadCalls
from b24_pipeline.web.routes.portals import PortalCalls
from b24_pipeline.web.routes.qualification import QualificationCalls
from b24_pipeline.web.routes.stages import StageCalls

SESSION_COOKIE = "b24_session"
_DESCRIPTION = "Connects Bitrix24 portals and lands their events."


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is put together from.

    `check_database` raises B24Error where the database cannot be used; `addresses` tells who sent a request; without
    `connecting` no portal can be connected, and without `visitors` none can send people to our page inside it;
    `redirect_uri` is the setting BITRIX24_REDIRECT_URI; `admin_key` None closes the management calls; `registry` has
    metrics for anybody, `portal_registry` those that name portals; `running` is entered while the application runs.
    """

    public_url: str
    warehouse: Warehouse
    portals: Portals
    service: PortalService
    receiver: Receiver
    check_database: Callable[[], object]
    addresses: ClientAddresses = field(default_factory=ClientAddresses)
    connecting: PortalConnector | None = None
    redirect_uri: str | None = None
    visitors: PortalVisitors | None = None
    admin_key: str | None = field(default=None, repr=False)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    portal_registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    running: Callable[[], AbstractAsyncContextManager[None]] = nullcontext


def assemble(parts: Parts) -> FastAPI:
    """The FastAPI application made of these parts."""
    app = FastAPI(
        title="b24-pipeline",
        description=_DESCRIPTION,
        version=version("b24-pipeline"),
        docs_url=None,  # FastAPI's own pages load scripts from another host
        redoc_url=None,
        lifespan=lambda _app: parts.running(),
        middleware=_protection(parts),
        exception_handlers=_ERROR_HANDLERS,
    )
    app.state.portals = parts.portals
    app.state.warehouse = parts.warehouse
    keys = AccessKeys(parts.warehouse) if parts.warehouse else None
    guard = Guard(parts.admin_key, keys, parts.addresses)
    app.state.connect_values = values = ConnectValues(
        parts.public_url, is_registered=parts.connecting is not None, redirect_uri=parts.redirect_uri
    )
    sessions = Sessions(parts.warehouse, parts.admin_key)
    signed_in = SignedIn(sessions, BrowserCookie(parts.public_url, SESSION_COOKIE, SECONDS), parts.public_url)
    app.state.signed_in = signed_in
    connecting = ConnectPages(
        parts.connecting, parts.public_url, guard, parts.addresses, signed_in, parts.service
    )
    app.include_router(connecting.router())
    app.include_router(InsidePage(parts.visitors, signed_in, parts.addresses).router())
    app.state.recounts = recounts = Recounts(parts.warehouse, parts.service)
    for routes in ConnectWizard(parts.warehouse, parts.service, recounts, values).routers(signed_in):
        app.include_router(routes)
    counted = [Depends(recounts.after_change, scope="function")]
    for routes in _pages(parts, guard, signed_in):
        app.include_router(routes)
    app.include_router(RecountPage(recounts).router(signed_in))
    for routes in _changing_pages(parts, signed_in):
        app.include_router(routes, dependencies=counted)
    for routes in _management(parts, guard):
        app.include_router(routes, dependencies=counted)
    app.include_router(Health(parts.check_database).router())
    app.include_router(Metrics(parts.registry, parts.portal_registry, guard).router())
    app.include_router(asset_routes())
    add_docs(app)
    _describe_webhook(app)
    return app


def _management(parts: Parts, guard: Guard) -> list[APIRouter]:
    """Routes behind the key: those that ask a portal have the service, the others the database."""
    warehouse, service = parts.warehouse, parts.service
    return [
        PortalCalls(service, warehouse, guard).router(),
        EntityCalls(service, warehouse, guard).router(),
        StageCalls(warehouse, guard).router(),
        FieldCalls(warehouse, guard).router(),
        QualificationCalls(warehouse, guard).router(),
        OwnLeadCalls(service, guard).router(),
        DirectionCalls(warehouse, guard).router(),
        CreativeCalls(warehouse, guard).router(),
        AuditCalls(warehouse, guard).router(),
        FigureCalls(warehouse, guard).router(),
        KeyCalls(warehouse, guard).router(),
    ]


def _pages(parts: Parts, guard: Guard, signed_in: SignedIn) -> list[APIRouter]:
    """The pages of whoever is signed in, and the way in."""
    return [
        SignIn(signed_in, guard, parts.addresses).router(),
        start_routes(signed_in),
        *PortalsPage(parts.warehouse, parts.service).routers(signed_in),
        FunnelPage(parts.warehouse).router(signed_in),
        CreativesPage(parts.warehouse).router(signed_in),
        CohortsPage(parts.warehouse).router(signed_in),
        FlowPage(parts.warehouse).router(signed_in),
        TrustPage(parts.warehouse).router(signed_in),
        SpeedPage(parts.warehouse).router(signed_in),
        PeoplePage(parts.warehouse).router(signed_in),
        RevenuePage(parts.warehouse).router(signed_in),
        AccessPage(parts.warehouse, signed_in.sessions).router(signed_in),
    ]


def _changing_pages(parts: Parts, signed_in: SignedIn) -> list[APIRouter]:
    """The pages that change what the figures rest on."""
    return [
        QualificationPage(parts.warehouse).router(signed_in),
        KeyStagesPage(parts.warehouse).router(signed_in),
        StagesPage(parts.warehouse).router(signed_in),
        *EntitiesPage(parts.warehouse, parts.service).routers(signed_in),
        LeadsPage(parts.warehouse).router(signed_in),
        LeadUploadPage(parts.warehouse).router(signed_in),
    ]


def _describe_webhook(app: FastAPI) -> None:
    """Adds the webhook to the OpenAPI schema: FastAPI describes only its own routes."""
    own_schema = app.openapi
    app.openapi = lambda: described(own_schema())  # type: ignore[method-assign]


def _protection(parts: Parts) -> list[Middleware]:
    """The middleware, outermost first: even an internal error's answer gets the security headers."""
    return [
        Middleware(SecurityHeaders, https=parts.public_url.startswith("https://")),
        Middleware(Access, requests=Requests(parts.registry)),
        Middleware(Webhook, receiver=parts.receiver, addresses=parts.addresses),
        Middleware(RequestsAtOnce),
        Middleware(BodyLimit),
    ]


def error_response(request: Request, error: Exception) -> Response:
    """The answer to a request that failed: a page where a browser asks, else JSON."""
    answer = answer_to(error)
    if wants_page(request):
        is_of_connecting = request.url.path.startswith(("/bitrix24/", WIZARD))
        ancestors = _framed_by(request) or "'none'"
        values: ConnectValues = request.app.state.connect_values
        portal = error.portal if isinstance(error, PortalError) else ""
        steps = values.steps(answer.code, portal) if is_of_connecting else []
        again = _beginning(request) if is_of_connecting else None
        if not request.url.path.startswith("/bitrix24/") and not is_opened_inside(request):
            framed = framed_problem(
                request, request.app.state.signed_in, error, answer, steps=steps, again=again
            )
            if framed:
                return framed
        return page(
            request,
            "problem.html",
            status=answer.status,
            policy=PAGE.replace("frame-ancestors 'none'", f"frame-ancestors {ancestors}"),
            problem=answer,
            reasons=REASONS,
            steps=steps,
            again=again,
            is_framed=is_opened_inside(request),
        )
    return JSONResponse(answer.body, answer.status, answer.headers)


def _framed_by(request: Request) -> str | None:
    """The portal whose pages may have the answer in a frame: that which sent the person, or that called us."""
    holder: KeyHolder | None = getattr(request.state, "holder", None)
    called_by: str | None = getattr(request.state, "called_by", None)
    return holder.framed_by if holder else called_by


def _beginning(request: Request) -> str:
    """Where to begin a connection again: in the wizard, or where nobody is signed in with the form that takes a key."""
    is_signed_in = any(name.endswith(SESSION_COOKIE) for name in request.cookies)
    return WIZARD if is_signed_in else CONNECT


_ERROR_HANDLERS: dict[int | type[Exception], Any] = dict.fromkeys(
    (B24Error, RequestValidationError, HTTPException), error_response
)


def add_docs(app: FastAPI) -> None:
    """Adds `/docs`: the OpenAPI schema as a page, as it is when the page is asked for."""

    def docs(request: Request) -> HTMLResponse:
        return page(request, "docs.html", schema=app.openapi())

    app.add_api_route("/docs", docs, include_in_schema=False)
