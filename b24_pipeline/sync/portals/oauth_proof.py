"""Proves which portal an event comes from, by asking the authorization server about the tokens in it.

Nothing else in an event proves its sender (docs/bitrix24-rest.md, section 2.4).
"""

from __future__ import annotations

import hmac
from typing import Protocol

from b24_pipeline.bitrix.auth.oauth import Installation, OAuthApp, Tokens
from b24_pipeline.errors import ApplicationRefused, AuthorizationRefused, InstallUnproved, TokenExpired
from b24_pipeline.store.portals.portal import CONNECTED, Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.portals.oauth_state import digest
from b24_pipeline.sync.portals.proof_limit import ProofLimit


class SentTokens(Protocol):
    """The tokens that an event brings along in `auth`; nothing of it is believed before it is proved."""

    @property
    def member_id(self) -> str:
        """The identity of the portal that the event claims to come from."""

    @property
    def application_token(self) -> str:
        """The application token, which proves the portal's later events."""

    @property
    def access_token(self) -> str | None:
        """An access token of our application, if the event has one."""

    @property
    def refresh_token(self) -> str | None:
        """A refresh token of our application, if the event has one."""


class OAuthProof:
    """Asks the authorization server about the tokens of events; any number of threads may use it."""

    def __init__(self, portals: Portals, app: OAuthApp) -> None:
        self._portals = portals
        self._app = app
        self._limit = ProofLimit()

    def tokens(self, event: SentTokens) -> Tokens:
        """New tokens for the portal of an installation, once its tokens are proved. Raises InstallUnproved."""
        if not event.access_token or not event.refresh_token:
            raise _unproved("an installation")
        installation = self._installation(event.member_id, event.access_token)
        try:
            tokens = self._app.refresh(event.refresh_token)
        except AuthorizationRefused:
            raise _unproved(installation.address.host) from None
        if (tokens.member_id, tokens.address) != (installation.member_id, installation.address):
            raise _unproved(installation.address.host)
        return tokens

    def portal(self, event: SentTokens) -> Portal | None:
        """The connected portal that an event comes from, proved by the access token in it.

        Its application token is stored then. None where nothing is proved: an unknown portal, an event without
        tokens, or a token that was asked about a moment ago. Raises InstallUnproved.
        """
        if not event.access_token or not event.application_token:
            return None
        portal = self._portals.by_member(event.member_id)
        if portal is None or portal.status != CONNECTED or portal.connected_by != "oauth":
            return None
        if self._is_known(portal, event.application_token):
            return portal
        if not self._limit.may_ask(event.member_id, event.application_token):
            return None
        self._installation(event.member_id, event.access_token)
        self._portals.set_application_token(portal, event.application_token)
        return self._portals.one(portal.name)

    def _installation(self, member_id: str, access_token: str) -> Installation:
        """The installation that an access token belongs to, if it is ours and of this portal."""
        try:
            installation = self._app.installation(access_token)
        except (TokenExpired, ApplicationRefused):
            raise _unproved("an event") from None
        if installation.member_id != member_id:
            raise _unproved(installation.address.host)
        return installation

    def _is_known(self, portal: Portal, application_token: str) -> bool:
        known = self._portals.application_token(portal)
        return known is not None and hmac.compare_digest(digest(known), digest(application_token))


def _unproved(portal: str) -> InstallUnproved:
    return InstallUnproved(portal, "the authorization server does not confirm it; nothing was stored")
