"""Proves which portal an event comes from, by asking the authorization server about the tokens in it.

Nothing else in an event proves its sender (docs/bitrix24-rest.md, section 2.4).
"""

from __future__ import annotations

from typing import Protocol

from b24_pipeline.bitrix.auth.oauth import Installation, OAuthApp, Tokens
from b24_pipeline.errors import (
    ApplicationRefused,
    AuthorizationRefused,
    InstallUnproved,
    TokenExpired,
    TooOften,
)
from b24_pipeline.log import logger
from b24_pipeline.store.portals.portal import CONNECTED, Portal
from b24_pipeline.store.portals.portals import Portals
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
    """Asks the authorization server about the tokens of events; any number of threads may use it.

    `sender` is the address that an event came from: each has a limit of its own.
    """

    def __init__(self, portals: Portals, app: OAuthApp, limit: ProofLimit) -> None:
        self._portals = portals
        self._app = app
        self._limit = limit

    def tokens(self, event: SentTokens, sender: str) -> Tokens:
        """New tokens for the portal of an installation, once its tokens are proved.

        Raises InstallUnproved, and TooOften where the server may not be asked just now.
        """
        if not event.access_token or not event.refresh_token:
            raise _unproved("an installation")
        if self._limit.was_refused(event.access_token, event.refresh_token):
            raise _unproved("an installation")
        if not self._limit.may_ask(sender, event.member_id):
            raise TooOften(
                "too many installations came just now; the application can be installed again later"
            )
        installation = self._installation(event.member_id, event.access_token, sender)
        try:
            tokens = self._app.refresh(event.refresh_token)
        except AuthorizationRefused:
            raise self._refused(event.member_id, sender, event.refresh_token) from None
        if (tokens.member_id, tokens.address) != (installation.member_id, installation.address):
            raise _unproved(installation.address.host)
        return tokens

    def portal(self, event: SentTokens, sender: str) -> Portal | None:
        """The connected portal that an event comes from, proved by the access token in it.

        Its application token proves the portal's events from then on, beside those that are known. None where nothing
        is proved: an unknown portal, an event without tokens, a token that was refused before, or too many questions.
        Raises InstallUnproved.
        """
        if not event.access_token or not event.application_token:
            return None
        portal = self._portals.by_member(event.member_id)
        if portal is None or portal.status != CONNECTED or portal.connected_by != "oauth":
            return None
        if self._portals.knows_application_token(portal, event.application_token):
            return portal
        if self._limit.was_refused(event.access_token) or not self._limit.may_ask(sender, event.member_id):
            return None
        self._installation(event.member_id, event.access_token, sender)
        self._portals.learn_application_token(portal, event.application_token)
        return self._portals.one(portal.name)

    def _installation(self, member_id: str, access_token: str, sender: str) -> Installation:
        """The installation that an access token belongs to, if it is ours and of this portal."""
        try:
            installation = self._app.installation(access_token)
        except (TokenExpired, ApplicationRefused):
            raise self._refused(member_id, sender, access_token) from None
        if installation.member_id != member_id:
            raise self._refused(member_id, sender)
        return installation

    def _refused(self, member_id: str, sender: str, *tokens: str) -> InstallUnproved:
        """Remembers the tokens, so that nobody is asked about them again; the log has one line a question."""
        self._limit.note_refused(sender, *tokens)
        logger("receiver").warning("an event was not proved", member_id=member_id, sender=sender)
        return _unproved("an event")


def _unproved(portal: str) -> InstallUnproved:
    return InstallUnproved(portal, "the authorization server does not confirm it; nothing was stored")
