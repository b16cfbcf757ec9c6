"""People whom a portal has sent to our page inside it: who they are is asked, never believed.

Everything in the form that a browser sends is the sender's word. The portal must be one that we know, the token must
be of our own application in it, and the portal itself, at its stored address, says whose token it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from b24_pipeline.bitrix.auth.credentials import AppCredential, FreshToken
from b24_pipeline.bitrix.auth.oauth import OAuthApp
from b24_pipeline.bitrix.http.address import PortalAddress, origin_of, read_address
from b24_pipeline.errors import (
    AddressRefused,
    ApiError,
    ApplicationRefused,
    OtherPortal,
    PortalMoved,
    TokenExpired,
    TooOften,
    VisitRefused,
)
from b24_pipeline.store.portals.portal import CONNECTED, Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.portals.proof_limit import ProofLimit


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person of a portal, by its own word."""

    portal: Portal
    user_id: int
    is_admin: bool


class PortalVisitors:
    """Proves visitors; any number of threads may use it."""

    def __init__(self, connections: Connections, app: OAuthApp) -> None:
        self._connections = connections
        self._app = app
        self._limit = ProofLimit(connections.shared_buckets)

    def visitor(self, member_id: str, domain: str, access_token: str, sender: str) -> Visitor:
        """Who opens our page in the portal of this identity.

        `domain` came with the form and is compared alone; `sender` is the address that it came from. Raises
        VisitRefused, TooOften, and PortalUnreachable.
        """
        portal = self._connections.portals.by_member(member_id) if member_id else None
        if portal is None or portal.connected_by != "oauth" or not access_token:
            raise VisitRefused("the portal", "it is not connected here, or sent no token")
        if portal.status != CONNECTED and not portal.is_held:
            raise VisitRefused("the portal", "it is not connected here, or sent no token")
        address = read_address(portal.domain, self._connections.allowed_portals)
        if domain.strip().lower() not in (address.domain, address.host):
            raise VisitRefused(portal.name, "another address than that of the portal came with the form")
        user_id = self._require_ours(portal, address, access_token, sender)
        profile = self._profile(portal, address, access_token)
        found = _number(profile.get("ID"))
        if found is None or (user_id is not None and user_id != found):
            raise VisitRefused(portal.name, "it does not say whose token this is")
        return Visitor(portal, found, is_admin=profile.get("ADMIN") is True)

    def origin(self, member_id: str, domain: str) -> str | None:
        """The address whose pages may show what went wrong, in a frame.

        It is the stored one of the portal of this identity. Where that is not known, it is the one that came with
        the form, if a portal could be connected there: whoever has just added the application is told to connect it.
        """
        portal = self._connections.portals.by_member(member_id) if member_id else None
        if portal:
            return origin_of(portal.domain)
        try:
            return read_address(domain, self._connections.allowed_portals).origin
        except AddressRefused:
            return None

    def _require_ours(
        self, portal: Portal, address: PortalAddress, access_token: str, sender: str
    ) -> int | None:
        """Raises unless the token is of our application in this portal: another one's would tell who somebody is, too.

        Returns the user whose token it is, where the authorization server says so.
        """
        if self._limit.was_refused(access_token):
            raise _not_ours(portal)
        if not self._limit.may_ask(sender, portal.member_id or ""):
            raise TooOften("too many pages were opened just now; wait a minute")
        try:
            installation = self._app.installation(access_token)
        except (TokenExpired, ApplicationRefused):
            self._limit.note_refused(sender, access_token)
            raise _not_ours(portal) from None
        if (installation.member_id, installation.address) != (portal.member_id, address):
            self._limit.note_refused(sender, access_token)
            raise _not_ours(portal)
        return installation.user_id

    def _profile(self, portal: Portal, address: PortalAddress, access_token: str) -> Mapping[str, Any]:
        credential = AppCredential(address, FreshToken(access_token))
        try:
            with self._connections.client_of(credential, portal.name, portal.plan) as client:
                profile = client.call("profile").result
        except (ApiError, PortalMoved, OtherPortal) as error:
            raise VisitRefused(portal.name, f"it does not take the token: {error}") from None
        return profile if isinstance(profile, Mapping) else {}


def _not_ours(portal: Portal) -> VisitRefused:
    return VisitRefused(portal.name, "the token is not one of this application in this portal")


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None
