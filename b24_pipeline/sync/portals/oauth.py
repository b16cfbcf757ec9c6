"""A portal is connected by OAuth: what a person, or an installation in the portal, waits for.

    begin -> the browser goes to the portal -> finish -> tokens, probe, events

The state that travels with the browser is signed, lives ten minutes, comes
back once, and only to the browser that it was made for. The code is exchanged
at the configured server whatever the browser brings along, and the portal
that the server names must be the one that was asked for (sections 2.1, 2.4).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlencode

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from b24_pipeline.bitrix.auth.credentials import AppCredential, FreshToken
from b24_pipeline.bitrix.auth.oauth import Installation, OAuthApp, Tokens
from b24_pipeline.bitrix.http.address import PortalAddress, read_address
from b24_pipeline.errors import (
    AccessNotGiven,
    ApplicationRefused,
    AuthorizationRefused,
    B24Error,
    InstallUnproved,
    OtherPortal,
    PortalError,
    StateExpired,
    StateForged,
    TokenExpired,
    UsageError,
)
from b24_pipeline.log import logger
from b24_pipeline.store.events.bindings import note_unbound
from b24_pipeline.store.portals.oauth_states import Begun, OAuthStates
from b24_pipeline.store.portals.portal import CONNECTED, Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.events.bindings import EVENTS, bind, unbind
from b24_pipeline.sync.events.offline_queue import unbind_offline
from b24_pipeline.sync.portals.probe import plan_of, probe
from b24_pipeline.sync.portals.proof_limit import Proofs

STATE_SECONDS = 600
HANDLER_PATH = "/webhooks/bitrix24"
_NONCE_BYTES = 24


class SentTokens(Protocol):
    """What an event brings along in `auth`; nothing of it is believed."""

    @property
    def member_id(self) -> str:
        """The portal that it says it comes from."""

    @property
    def application_token(self) -> str:
        """What is to prove the portal's events from now on."""

    @property
    def access_token(self) -> str | None:
        """A token of ours, if the event has one."""

    @property
    def refresh_token(self) -> str | None:
        """The same."""


class Connecting:
    """Connects portals to one installation; any number of threads may use it.

    `public_url`: where Bitrix24 reaches `b24 serve`. Apart from what a method
    names, all raise what `errors.py` lists under PortalError and DatabaseError.
    """

    def __init__(self, connections: Connections, app: OAuthApp, public_url: str) -> None:
        self._connections = connections
        self._portals = connections.portals
        self._app = app
        self._public_url = public_url.rstrip("/")
        self._states = OAuthStates(connections.warehouse)
        self._signer = URLSafeTimedSerializer(
            self._portals.vault.signing_keys("oauth state"),
            salt="bitrix24",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
        self._proofs = Proofs()

    @property
    def handler_url(self) -> str:
        """Where portals send their events."""
        return f"{self._public_url}{HANDLER_PATH}"

    def link(self, name: str, domain: str, entity_type: str | None = None) -> str:
        """The page of `b24 serve` that begins it, so that the browser gets its cookie there.

        `entity_type` None: what a known portal has, both of a new one. Raises AddressRefused, UsageError.
        """
        address = self._asked(name, domain)
        asked = {"account": name, "domain": address.written}
        query = urlencode(asked | ({"entityType": entity_type} if entity_type else {}))
        return f"{self._public_url}/bitrix24/auth?{query}"

    def begin(self, name: str, domain: str, entity_type: str | None, browser: str) -> str:
        """Where to send the browser; `browser` is its cookie's value, known to it and to us alone.

        `entity_type` None is as in `link`. Raises AddressRefused for the domain, UsageError
        (PortalConflict) for the name.
        """
        counted = entity_type or self._counted(name)
        _require_entity_type(counted)
        address = self._asked(name, domain)
        if not browser:
            raise UsageError("a browser without a cookie cannot be told from another")
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        begun = Begun(name, address.written, counted)
        self._states.begin(nonce, begun, _digest(browser), seconds=STATE_SECONDS)
        return self._app.authorize_url(address, self._signer.dumps(nonce))

    def finish(self, code: str, state: str, browser: str, domain: str = "", member_id: str = "") -> Portal:
        """The portal, connected; nothing is stored where anything is wrong.

        `domain` and `member_id` are what the browser brought along: compared,
        never believed. Raises AccessNotGiven, StateForged, StateExpired, StateUsed,
        OtherBrowser, OtherPortal, AuthorizationRefused (a dead code),
        PortalConflict, and what a probe raises.
        """
        if not code:
            # the state stays good: the person may allow it after all
            raise AccessNotGiven("authorization", "the access was not allowed in the portal; begin again")
        begun = self._states.use(self._nonce(state), _digest(browser))
        asked = read_address(begun.domain, self._connections.allowed_portals)
        if domain and domain.strip().lower() not in (asked.domain, asked.host):
            raise _other(asked)
        tokens = self._app.exchange(code)
        if tokens.address != asked or (member_id and member_id != tokens.member_id):
            raise _other(asked)
        return self._save(begun.name, tokens, begun.entity_type)

    def install(self, event: SentTokens) -> Portal:
        """An "API only" application was added in its portal (ONAPPINSTALL, section 2.4).

        Nothing in the event proves it: the authorization server is asked whose
        access token it is, and its refresh token is exchanged there, before
        anything is overwritten. Raises InstallUnproved.
        """
        tokens = self._proved(event)
        known = self._portals.by_member(tokens.member_id)
        name = known.name if known else self._free_name(tokens)
        entity_type = known.entity_type if known else "both"
        return self._save(name, tokens, entity_type, event.application_token)

    def prove(self, event: SentTokens) -> Portal | None:
        """The portal that an event comes from, told by an access token of ours in it; its application token is kept.

        For events whose application token is not the stored one: a portal that
        a browser connected has told us none, and one where the application was
        added anew has another. None where nothing is proved: an unknown portal,
        an event without tokens, or one asked about a moment ago. Raises InstallUnproved.
        """
        if not event.access_token or not event.application_token:
            return None
        portal = self._portals.by_member(event.member_id)
        if portal is None or portal.status != CONNECTED or portal.connected_by != "oauth":
            return None
        if self._is_known(portal, event.application_token):
            return portal
        if not self._proofs.may_ask(event.member_id, event.application_token):
            return None
        self._installation(event.member_id, event.access_token)
        self._portals.set_application_token(portal, event.application_token)
        return self._portals.one(portal.name)

    def set_entity_type(self, portal: Portal, entity_type: str) -> Portal:
        """What is counted as the portal's funnel, with the events that follow from it. Raises BindingRefused."""
        _require_entity_type(entity_type)
        self._portals.set_entity_type(portal, entity_type)
        changed = replace(portal, entity_type=entity_type)
        if changed.connected_by == "oauth" and changed.status == CONNECTED:
            with self._connections.client(changed) as client:
                bind(client, changed, self.handler_url, self._connections.warehouse)
        return self._portals.one(portal.name)

    def disconnect(self, portal: Portal) -> None:
        """Unbinds the events where the portal still lets us, and forgets the tokens; the data stays."""
        if portal.connected_by == "oauth" and portal.status == CONNECTED:
            try:
                with self._connections.client(portal) as client:
                    unbind(client, self.handler_url)
                    unbind_offline(client)
            except B24Error as error:
                logger("connecting").warning("events stay bound", portal=portal.name, error=str(error))
        note_unbound(self._connections.warehouse, portal)
        self._portals.disconnect(portal)

    def _counted(self, name: str) -> str:
        known = (portal.entity_type for portal in self._portals.all() if portal.name == name)
        return next(known, "both")

    def _asked(self, name: str, domain: str) -> PortalAddress:
        address = read_address(domain.strip(), self._connections.allowed_portals)
        self._portals.may_connect(name, address.written)
        return address

    def _nonce(self, state: str) -> str:
        try:
            return str(self._signer.loads(state, max_age=STATE_SECONDS))
        except SignatureExpired:
            raise StateExpired(
                "authorization", "it was begun more than 10 minutes ago; begin again"
            ) from None
        except BadSignature:
            raise StateForged(
                "authorization", "its state was not made here, or was cut; begin again"
            ) from None

    def _save(
        self, name: str, tokens: Tokens, entity_type: str, application_token: str | None = None
    ) -> Portal:
        credential = AppCredential(tokens.address, FreshToken(tokens.access_token))
        label = f"{name} ({tokens.address.host})"
        with self._connections.client_of(credential, label, "standard") as client:
            found, plan = probe(client), plan_of(client)
        for warning in found.warnings:
            logger("connecting").warning(warning, portal=name)
        portal = self._portals.save_oauth(
            name,
            replace(tokens, user_id=found.user_id),
            entity_type=entity_type,
            plan=plan,
            time_zone=found.time_zone,
            application_token=application_token,
        )
        self._bind(portal)
        return portal

    def _bind(self, portal: Portal) -> None:
        """Without events the portal is still read, by watermark: `doctor` says what is missing."""
        try:
            with self._connections.client(portal) as client:
                bind(client, portal, self.handler_url, self._connections.warehouse)
        except PortalError as error:
            logger("connecting").warning("events are not bound", portal=portal.name, error=str(error))

    def _proved(self, event: SentTokens) -> Tokens:
        if not event.access_token or not event.refresh_token:
            raise _unproved("an installation")
        found = self._installation(event.member_id, event.access_token)
        try:
            tokens = self._app.refresh(event.refresh_token)
        except AuthorizationRefused:
            raise _unproved(found.address.host) from None
        if (tokens.member_id, tokens.address) != (found.member_id, found.address):
            raise _unproved(found.address.host)
        return tokens

    def _installation(self, member_id: str, access_token: str) -> Installation:
        """What the authorization server says of a token, if it is ours and of this portal."""
        try:
            found = self._app.installation(access_token)
        except (TokenExpired, ApplicationRefused):
            raise _unproved("an event") from None
        if found.member_id != member_id:
            raise _unproved(found.address.host)
        return found

    def _free_name(self, tokens: Tokens) -> str:
        """The name of the account that has this address, or one made of it."""
        portals = {portal.name: portal for portal in self._portals.all()}
        here = next((one for one in portals.values() if one.domain == tokens.address.written), None)
        if here is not None:
            return here.name
        name = tokens.address.host.strip("[]").partition(".bitrix24.")[0].replace(":", "-")[:50]
        return f"{name}-{tokens.member_id[:6]}" if name in portals else name

    def _is_known(self, portal: Portal, application_token: str) -> bool:
        known = self._portals.application_token(portal)
        return known is not None and hmac.compare_digest(_digest(known), _digest(application_token))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _require_entity_type(entity_type: str) -> None:
    if entity_type not in EVENTS:
        raise UsageError(f"the entity type is lead, deal or both, not {entity_type[:20]!r}")


def _other(asked: PortalAddress) -> OtherPortal:
    return OtherPortal(
        asked.host, "another portal answered than the one that was asked for; nothing was stored; begin again"
    )


def _unproved(portal: str) -> InstallUnproved:
    return InstallUnproved(portal, "the authorization server does not confirm it; nothing was stored")
