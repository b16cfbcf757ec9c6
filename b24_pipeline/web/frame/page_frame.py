"""What stands around every page of whoever is signed in: navigation, portal, period, and of when the figures are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from b24_pipeline.store.access.holder import KeyHolder
from b24_pipeline.store.checks.as_of import Freshness, freshness
from b24_pipeline.store.figures.pipelines import latest_creation
from b24_pipeline.store.portals.portal import Portal, zone_name
from b24_pipeline.web.frame import forms
from b24_pipeline.web.frame.addresses import origin_of_portal
from b24_pipeline.web.frame.formats import Formats
from b24_pipeline.web.frame.navigation import GROUPS
from b24_pipeline.web.frame.period import PRESETS, Period, period_of
from b24_pipeline.web.frame.reasons import REASONS
from b24_pipeline.web.frame.rendering import page
from b24_pipeline.web.frame.translations import language_of, translations
from b24_pipeline.web.frame.translations import later as _
from b24_pipeline.web.recounts import Recounts
from b24_pipeline.web.routes.account import CurrentHolder, SeenPortals, chosen_portal

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; "
    "img-src 'self' data:; frame-ancestors {ancestors}; base-uri 'none'; form-action 'self'"
)


@dataclass(frozen=True, slots=True)
class PageFrame:
    """A page's surroundings. `portal` and `freshness` None: the page is of no portal."""

    request: Request
    holder: KeyHolder
    portals: Sequence[Portal]
    portal: Portal | None = None
    period: Period | None = None
    freshness: Freshness | None = None

    def card(self, kind: str, number: int) -> str | None:
        """The address of a card of the CRM (kind: lead, deal, contact, company); None on a page of no portal."""
        if self.portal is None:
            return None
        return f"{origin_of_portal(self.portal)}/crm/{kind}/details/{number}/"

    def site(self, portal: Portal) -> str:
        """The address at which people open a portal."""
        return f"{origin_of_portal(portal)}/"

    def text(self, text: str) -> str:
        """A text that was marked for translation, in the reader's language: for what a template does not write."""
        return translations(language_of(self.request)).gettext(text)

    def stage_name(self, name: str | None, code: str | None, is_deleted: bool) -> str:
        """A stage as people read it. One that the portal has deleted keeps the name that it had last, and is marked.

        `code` stands for a name that was never read.
        """
        if not is_deleted:
            return name or code or ""
        known = (
            name if name and name != code else self.text(_("stage without a name, %(code)s")) % {"code": code}
        )
        return self.text(_("%(stage)s (deleted)")) % {"stage": known}

    @property
    def format(self) -> Formats:
        """Numbers, money and days as the reader writes them, by the portal's clock."""
        return Formats(language_of(self.request), self.zone)

    @property
    def path(self) -> str:
        """The path of the page."""
        return str(self.request.url.path)

    @property
    def entry(self) -> str:
        """The name of the page in the menu of a portal: also of a page behind it, and of the answer to its form."""
        return self.path.split("/")[3] if self.portal else ""

    @property
    def in_wizard(self) -> bool:
        """Whether the page of a portal was opened by the wizard that connects it, to which it leads back."""
        return self.portal is not None and self.request.query_params.get("wizard") == "yes"

    @property
    def recounts(self) -> Recounts:
        """Whether figures are being counted anew, because somebody has changed what they rest on."""
        found: Recounts = self.request.app.state.recounts
        return found

    @property
    def zone_name(self) -> str:
        """The zone as people write it."""
        return zone_name(self.zone)

    @property
    def zone(self) -> str:
        """By whose clock times are shown: the portal's; without one, the zone that all portals share, else UTC."""
        shown = [self.portal] if self.portal else self.portals
        zones = {portal.time_zone for portal in shown}
        return zones.pop() if len(zones) == 1 else "UTC"

    @property
    def as_of(self) -> datetime | None:
        """Of which moment the figures are; None where nothing was read to the end yet."""
        return self.freshness.complete_until if self.freshness else None

    @property
    def as_of_seconds(self) -> float | None:
        """How long ago `as_of` was."""
        return None if self.as_of is None else self.seconds_since(self.as_of)

    def seconds_since(self, moment: datetime) -> float:
        """How long ago a moment was."""
        return (datetime.now(UTC) - moment).total_seconds()

    def address(self, name: str, portal: Portal | None = None, /, **parameters: Any) -> str:
        """The address of a page of this portal, or another one, with the same period, and of this one in the wizard."""
        shown = portal or self.portal
        if shown is None:
            return f"/{name}"
        query = {**(self.period.query if self.period else {}), **parameters}
        if self.in_wizard and name.partition("/")[0] == self.entry and shown == self.portal:
            query["wizard"] = "yes"
        return f"/p/{quote(shown.name)}/{name}{_query(query)}"

    def here(self, **parameters: Any) -> str:
        """The address of this page with some parameters changed; None takes one away."""
        query = {**self.request.query_params, **parameters}
        query.pop("lang", None)
        return _query(query) or "?"

    def other(self, portal: Portal) -> str:
        """The address of this page for another portal: without what only this one has, like its pipelines."""
        return self.address(self.entry or "funnel", portal)

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The template within this frame."""
        nonce = token_urlsafe(16)
        return page(
            self.request,
            template,
            status=status,
            policy=POLICY.format(nonce=nonce, ancestors=self.holder.framed_by or "'none'"),
            referrer="same-origin",
            format=self.format,
            frame=self,
            groups=GROUPS,
            presets=PRESETS,
            reasons=REASONS,
            nonce=nonce,
            form_token=forms.token_of(self.request.state.session),
            **values,
        )


def _query(parameters: Mapping[str, Any]) -> str:
    said = {key: value for key, value in parameters.items() if value is not None}
    return f"?{urlencode(said)}" if said else ""


def _portal_in_path(seen: SeenPortals, portal: str) -> Portal:
    return chosen_portal(seen, portal)


PortalInPath = Annotated[Portal, Depends(_portal_in_path)]
"""The parameter that has the portal of `/p/{portal}/...`, among those that the holder sees."""


def _period(
    request: Request,
    portal: PortalInPath,
    first: Annotated[str | None, Query(alias="from", max_length=10)] = None,
    last: Annotated[str | None, Query(alias="to", max_length=10)] = None,
) -> Period:
    newest = None
    if first is None and last is None:
        with request.app.state.warehouse.connect() as connection:
            newest = latest_creation(connection, portal.id)
    return period_of(first, last, portal.time_zone, newest)


PeriodInAddress = Annotated[Period, Depends(_period)]
"""The parameter that has the days of `?from=&to=`."""


def _frame(
    request: Request, holder: CurrentHolder, seen: SeenPortals, portal: PortalInPath, period: PeriodInAddress
) -> PageFrame:
    return PageFrame(
        request,
        holder,
        seen,
        portal,
        period,
        freshness(request.app.state.warehouse, portal.id, portal.entity_type),
    )


def _frame_of_all(request: Request, holder: CurrentHolder, seen: SeenPortals) -> PageFrame:
    return PageFrame(request, holder, seen)


PortalFrame = Annotated[PageFrame, Depends(_frame)]
"""The parameter that has the frame of a page of one portal."""

PlainFrame = Annotated[PageFrame, Depends(_frame_of_all)]
"""The parameter that has the frame of a page of no portal."""
