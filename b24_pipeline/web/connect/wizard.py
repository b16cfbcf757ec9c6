"""The wizard that connects a portal: address, permission in Bitrix24, the first sync, settings, and the funnel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from b24_pipeline.errors import B24Error, PortalError, RoleTooLow, SettingsError, UsageError
from b24_pipeline.store.access.holder import KeyHolder
from b24_pipeline.store.checks.as_of import freshness
from b24_pipeline.store.crm.stage_flags import StageFlags
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.bindings import handler_url
from b24_pipeline.store.figures.connecting import EntityProgress, latest_syncs, settings_made
from b24_pipeline.store.figures.pipelines import pipelines
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.portals.placement import PLACEMENT_SCOPE
from b24_pipeline.web.connect.mending import MENDING, SCOPES, ConnectValues
from b24_pipeline.web.connect.typed import address_typed, name_of, webhook_typed
from b24_pipeline.web.frame.addresses import other_origin
from b24_pipeline.web.frame.page_frame import PageFrame, PlainFrame, PortalInPath
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.problems import ProblemAnswer, answer_to
from b24_pipeline.web.recounts import Recounts
from b24_pipeline.web.work import is_built

WIZARD = "/connect"
COUNTED = ("", "both", "deal", "lead")
Typed = Annotated[str, Form(max_length=2048)]
Given = Annotated[str, Query(max_length=255)]


class ConnectWizard:
    """The routes `/connect...`. A portal is connected by an admin for all portals; later steps are a manager's too."""

    def __init__(
        self, warehouse: Warehouse, service: PortalService, recounts: Recounts, values: ConnectValues
    ) -> None:
        self._warehouse = warehouse
        self._service = service
        self._recounts = recounts
        self._values = values

    def routers(self, signed_in: SignedIn) -> list[APIRouter]:
        """The pages and their forms, by the role that they need."""
        connecting = signed_in.routes(needed="admin", change="admin")
        connecting.add_api_route(WIZARD, self.begin)
        connecting.add_api_route(WIZARD, self.take, methods=["POST"])
        connecting.add_api_route(f"{WIZARD}/permission", self.permission)
        later = signed_in.routes(needed="manager")
        later.add_api_route(f"{WIZARD}/{{portal}}/sync", self.sync)
        later.add_api_route(f"{WIZARD}/{{portal}}/sync", self.start, methods=["POST"])
        later.add_api_route(f"{WIZARD}/{{portal}}/progress", self.progress)
        later.add_api_route(f"{WIZARD}/{{portal}}/settings", self.settings)
        later.add_api_route(f"{WIZARD}/{{portal}}/funnel", self.funnel)
        later.add_api_route(f"{WIZARD}/{{portal}}/funnel", self.make, methods=["POST"])
        return [connecting, later]

    def begin(
        self, frame: PlainFrame, domain: Given = "", account: Given = "", counted: Given = ""
    ) -> HTMLResponse:
        """Step 1: the form for the address; without an application, how to make one."""
        _require_all(frame.holder)
        return self._address(frame, domain, account, counted)

    def take(
        self, frame: PlainFrame, domain: Typed = "", account: Typed = "", counted: Typed = ""
    ) -> Response:
        """Checks the address, and that a portal answers there; leads on to step 2, by a webhook at once to step 3."""
        _require_all(frame.holder)
        address, webhook = address_typed(domain), webhook_typed(domain)
        name = account.strip() or name_of(address)
        try:
            if webhook:
                return self._by_webhook(name, webhook, _entity_type(counted))
            if not self._values.is_registered:
                raise SettingsError("without an application only a webhook connects").of_case(
                    "webhook_needed"
                )
            self._service.invite(name, address, _entity_type(counted))
            self._service.knock(address)
        except B24Error as error:
            return self._address(frame, address, account, counted, error, by_webhook=webhook is not None)
        query = urlencode({"domain": address, "account": name, "counted": counted})
        return RedirectResponse(f"{WIZARD}/permission?{query}", 303)

    def _by_webhook(self, name: str, url: str, entity_type: str | None) -> Response:
        portal = self._service.connect_webhook(name, url, entity_type)
        self._service.start_sync(portal)
        return RedirectResponse(sync_page(portal), 303)

    def permission(
        self, frame: PlainFrame, domain: Given = "", account: Given = "", counted: Given = ""
    ) -> HTMLResponse:
        """Step 2: what the application's card must say, and the link to the portal, which asks for the access."""
        _require_all(frame.holder)
        try:
            link = self._service.invite(account, domain, _entity_type(counted))
        except B24Error as error:
            return self._address(frame, domain, account, counted, error)
        return frame.page(
            "connecting/permission.html",
            opened_at=other_origin(frame.request, self._values.public_url),
            values=self._values,
            domain=domain,
            account=account,
            counted=counted,
            link=link,
        )

    def sync(self, frame: PlainFrame, portal: PortalInPath) -> HTMLResponse:
        """Step 3: the first sync and its progress; what the connection lacks, and how to mend it."""
        problem, given, steps = None, None, []
        try:
            given = self._service.scopes(portal)
        except PortalError as error:
            problem = answer_to(error)
            by_webhook = portal.connected_by == "webhook"
            steps = self._values.steps(problem.code, portal.domain, by_webhook=by_webhook)
        is_application = portal.connected_by == "oauth"
        is_bound = not is_application or handler_url(self._warehouse, portal) is not None
        return frame.page(
            "connecting/sync.html",
            problem=problem,
            steps=steps,
            values=self._values,
            missing=[] if given is None else sorted(set(SCOPES) - given),
            is_inside=not is_application
            or given is None
            or PLACEMENT_SCOPE in given
            or not self._values.is_public,
            is_bound=is_bound,
            **self._progress(portal),
        )

    def start(self, portal: PortalInPath) -> RedirectResponse:
        """Starts the sync."""
        self._service.start_sync(portal)
        return RedirectResponse(sync_page(portal), 303)

    def progress(self, frame: PlainFrame, portal: PortalInPath) -> HTMLResponse:
        """The part of step 3 that is asked for again while the sync works."""
        return frame.page("connecting/progress.html", **self._progress(portal))

    def settings(self, frame: PlainFrame, portal: PortalInPath) -> HTMLResponse:
        """Step 4: what is counted as qualified, won and lost, and where that is changed."""
        with self._warehouse.connect() as connection:
            made = settings_made(connection, portal.id)
        return frame.page(
            "connecting/settings.html",
            shown=portal,
            made=made,
            stages=[
                stage
                for stage in StageFlags(self._warehouse).stages(portal.id)
                if portal.entity_type in ("both", stage.entity_type)
            ],
        )

    def make(self, portal: PortalInPath) -> RedirectResponse:
        """Has the figures made by what was set, where anything was, and leads on to step 5."""
        if not is_built(self._warehouse):
            self._recounts.ask()
        return RedirectResponse(f"{WIZARD}/{quote(portal.name)}/funnel", 303)

    def funnel(self, frame: PlainFrame, portal: PortalInPath) -> Response:
        """Step 5: the funnel, as soon as its figures are made."""
        shown = frame.address("funnel", portal, **{"from": "", "to": "", "wizard": "yes"})
        if not is_built(self._warehouse):
            return frame.page("connecting/figures.html", shown=portal, address=shown)
        if "hx-request" in frame.request.headers:
            return Response(status_code=204, headers={"HX-Redirect": shown})
        return RedirectResponse(shown, 303)

    def _progress(self, portal: Portal) -> dict[str, Any]:
        is_read = freshness(self._warehouse, portal.id, portal.entity_type).complete_until is not None
        with self._warehouse.connect() as connection:
            syncs = latest_syncs(connection, portal.id)
            has_funnel = is_read and bool(pipelines(connection, portal.name, portal.entity_type))
        is_running = any(sync.sync_status == "running" for sync in syncs)
        is_ready = has_funnel and not is_running
        return {
            "shown": portal,
            "syncs": syncs,
            "is_running": is_running,
            "is_read": is_read,
            "is_ready": is_ready,
            "is_asked_of_dagster": not is_running and not is_ready and self._service.is_asked_of_dagster,
            "is_building": not is_running and not is_ready and (is_read or _is_loaded(portal, syncs)),
        }

    def _address(
        self,
        frame: PageFrame,
        domain: str,
        account: str,
        counted: str,
        error: B24Error | None = None,
        *,
        by_webhook: bool = False,
    ) -> HTMLResponse:
        problem = error and answer_to(error)
        steps = (
            self._values.steps(_mended(problem), _portal_of(error, domain), by_webhook=by_webhook)
            if problem
            else []
        )
        return frame.page(
            "connecting/address.html",
            status=422 if problem else 200,
            values=self._values,
            domain=domain,
            account=account,
            counted=counted,
            problem=problem,
            steps=steps,
            making_webhook=self._values.steps("no_webhook"),
            opened_at=other_origin(frame.request, self._values.public_url),
            registering=self._values.steps("settings_error"),
        )


def sync_page(portal: Portal) -> str:
    """The address of step 3, where a sync was just started."""
    return f"{WIZARD}/{portal.name}/sync?started=yes"


def may_connect(holder: KeyHolder) -> bool:
    """Whether somebody may connect portals: a new one is none of those that a limited key sees."""
    return holder.may("admin") and holder.portals is None


def _require_all(holder: KeyHolder) -> None:
    if not may_connect(holder):
        raise RoleTooLow(f"the key {holder.name!r} is for some portals; to connect one needs a key for all")


def _entity_type(counted: str) -> str | None:
    if counted not in COUNTED:
        raise UsageError(f"what is counted is lead, deal or both, not {counted[:20]!r}").of_case("counted")
    return counted or None


def _is_loaded(portal: Portal, syncs: Sequence[EntityProgress]) -> bool:
    """Whether all that is counted was read: only the figures are missing then."""
    counted = {"lead", "deal"} if portal.entity_type == "both" else {portal.entity_type}
    done = {sync.entity_type for sync in syncs if sync.sync_status == "success"}
    return counted <= done and len(done) == len(syncs)


def _mended(problem: ProblemAnswer) -> str:
    """By what there is advice: the case of the error, else its code."""
    return next((kind for kind in problem.kinds[:1] if kind in MENDING), problem.code)


def _portal_of(error: B24Error | None, typed: str) -> str:
    """The portal that an error names; as it was typed, with scheme and port, where that is meant."""
    if not isinstance(error, PortalError):
        return ""
    is_typed = error.portal == typed.rpartition("://")[2].partition(":")[0]
    return typed if is_typed else error.portal
