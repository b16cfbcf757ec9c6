"""Connects portals by OAuth: from the link that a person opens to stored tokens and bound events.

    begin -> the browser goes to the portal -> finish -> tokens, probe, events

The code is exchanged at the configured authorization server, whatever the browser brings along,
and the portal that the server names must be the one that was asked for (docs/bitrix24-rest.md,
sections 2.1 and 2.4).
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from b24_pipeline.bitrix.auth.credentials import AppCredential, FreshToken
from b24_pipeline.bitrix.auth.oauth import OAuthApp, Tokens
from b24_pipeline.bitrix.http.address import PortalAddress, read_address
from b24_pipeline.errors import (
    AccessNotGiven,
    B24Error,
    PortalError,
    ScopeMissing,
    UsageError,
)
from b24_pipeline.log import logger
from b24_pipeline.store.events.bindings import note_unbound
from b24_pipeline.store.portals.oauth_states import Begun
from b24_pipeline.store.portals.portal import CONNECTED, Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.events.bindings import bind, unbind
from b24_pipeline.sync.events.offline_queue import unbind_queued_events
from b24_pipeline.sync.portals.connection_rules import (
    other_portal,
    require_entity_type,
    require_open,
    require_rights,
)
from b24_pipeline.sync.portals.invitations import Invitations
from b24_pipeline.sync.portals.oauth_proof import OAuthProof, SentTokens
from b24_pipeline.sync.portals.oauth_state import SignedStates, late_or_refused
from b24_pipeline.sync.portals.placement import INSIDE_PATH, displace, place
from b24_pipeline.sync.portals.probe import plan_of, probe
from b24_pipeline.sync.portals.proof_limit import ProofLimit

HANDLER_PATH = "/webhooks/bitrix24"
AUTH_PATH = "/bitrix24/auth"
"""The page of `b24 serve` where an authorization begins, and the browser gets its cookie."""


class PortalConnector:
    """Connects portals to one installation by OAuth; any number of threads may use it.

    `public_url`: where Bitrix24 reaches `b24 serve`. Beside the errors that a method names, each may raise
    PortalError and DatabaseError.
    """

    def __init__(self, connections: Connections, app: OAuthApp, public_url: str) -> None:
        self._connections = connections
        self._portals = connections.portals
        self._app = app
        self._public_url = public_url.rstrip("/")
        self._invitations = Invitations(self._portals)
        self._states = SignedStates(connections.warehouse, self._portals.vault)
        self._proof = OAuthProof(self._portals, app, ProofLimit(connections.shared_buckets))

    @property
    def handler_url(self) -> str:
        """The URL to which portals send their events."""
        return f"{self._public_url}{HANDLER_PATH}"

    def link(self, name: str, domain: str, entity_type: str | None = None) -> str:
        """The URL by which somebody else may connect this portal: `invite` at our public address."""
        return f"{self._public_url}{self.invite(name, domain, entity_type)}"

    def invite(self, name: str, domain: str, entity_type: str | None = None) -> str:
        """The page of `b24 serve` that begins the authorization, with an invitation for one connection within a day.

        It is a path with its query. `entity_type` None takes that of a known portal, and both for a new one. Raises
        AddressRefused, UsageError, and PortalConflict.
        """
        if entity_type:
            require_entity_type(entity_type)
        address = self._asked(name, domain)
        asked = {"account": name, "domain": address.written} | (
            {"entityType": entity_type} if entity_type else {}
        )
        invitation = self._invitations.make(name, address.written, entity_type or "")
        return f"{AUTH_PATH}?{urlencode(asked | {'invitation': invitation})}"

    def begin_invited(
        self, invitation: str, name: str, domain: str, entity_type: str | None, browser: str
    ) -> str:
        """The portal's URL for a browser with an invitation. Raises as `begin`, InvitationRefused and InvitationOver.

        Whoever has no invitation learns nothing: neither which portals are known nor which addresses are allowed.
        """
        self._invitations.check(invitation, name, domain, entity_type or "")
        return self.begin(name, domain, entity_type, browser)

    def begin(self, name: str, domain: str, entity_type: str | None, browser: str) -> str:
        """The portal's URL to which to send the operator's browser; `browser` is the value of its cookie, a secret.

        `entity_type` None is as in `invite`. Raises AddressRefused for the domain, PortalConflict for the name, and
        UsageError for the entity type.
        """
        counted = entity_type or self._counted(name)
        require_entity_type(counted)
        address = self._asked(name, domain)
        if not browser:
            said = "the browser has no cookie, so it cannot be recognised when it comes back"
            raise UsageError(said).of_case("no_cookie")
        begun = Begun(name, address.written, counted, self._portals.state_of(name))
        return self._app.authorize_url(address, self._states.make(begun, browser))

    def finish(self, code: str, state: str, browser: str, domain: str = "", member_id: str = "") -> Portal:
        """Connects the portal that the browser comes back from, and returns it; after an error nothing is stored.

        `domain` and `member_id` came with the browser: they are compared and never trusted. Raises AccessNotGiven,
        StateForged, StateExpired, StateUsed, OtherBrowser, OtherPortal, AuthorizationRefused (a used code),
        InvitationOver (the portal was connected or disconnected meanwhile), NotAdministrator, PortalConflict, and what
        a probe raises.
        """
        if not code:
            # the state is not used up: the person may allow the access after all
            raise AccessNotGiven("authorization", "the access was not allowed in the portal; begin again")
        begun = self._states.use(state, browser)
        asked = read_address(begun.domain, self._connections.allowed_portals)
        if domain and domain.strip().lower() not in (asked.domain, asked.host):
            raise other_portal(asked)
        with late_or_refused(begun):
            tokens = self._app.exchange(code)
        if tokens.address != asked or (member_id and member_id != tokens.member_id):
            raise other_portal(asked)
        return self._save(begun.name, tokens, begun.entity_type, state=begun.account_state)

    def install(self, event: SentTokens, sender: str) -> Portal:
        """Connects the portal in which an "API only" application was added (ONAPPINSTALL), and returns it.

        `sender` is the address that the event came from. The tokens of the event are proved before anything is
        overwritten, and a known portal keeps its settings. Raises InstallUnproved, TooOften where too many came,
        NotAdministrator, and InvitationRefused where the operator has disconnected the portal.
        """
        tokens = self._proof.tokens(event, sender)
        known = self._portals.by_member(tokens.member_id) or self._at(tokens.address)
        require_open(known)
        name = known.name if known else self._free_name(tokens)
        entity_type = known.entity_type if known else "both"
        state = known.state if known else self._portals.state_of(name)
        return self._save(name, tokens, entity_type, event.application_token, state)

    def prove(self, event: SentTokens, sender: str) -> Portal | None:
        """The connected portal that an event comes from, proved by the access token in it, or None.

        It is for events whose application token is not known: a portal that a browser connected has sent none yet,
        and one where the application was added again has a new one. The token is learnt then. `sender` is the address
        that the event came from. Raises InstallUnproved.
        """
        return self._proof.portal(event, sender)

    def set_entity_type(self, portal: Portal, entity_type: str) -> Portal:
        """Sets what the portal's funnel counts (lead, deal or both), and binds the events for it; returns the portal.

        Raises UsageError for another entity type, and BindingRefused.
        """
        require_entity_type(entity_type)
        self._portals.set_entity_type(portal, entity_type)
        changed = replace(portal, entity_type=entity_type)
        if changed.connected_by == "oauth" and (changed.status == CONNECTED or changed.is_held):
            with self._connections.client(changed) as client:
                bind(client, changed, self.handler_url, self._connections.warehouse)
        return self._portals.one(portal.name)

    def disconnect(self, portal: Portal) -> None:
        """Unbinds the portal's events if it still answers, and forgets its tokens; its data stays."""
        if portal.connected_by == "oauth" and (portal.status == CONNECTED or portal.is_held):
            try:
                with self._connections.client(portal) as client:
                    unbind(client, self.handler_url)
                    unbind_queued_events(client)
            except B24Error as error:
                logger("connecting").warning(
                    "the portal goes on sending its events, which are refused here: remove the application there",
                    portal=portal.name,
                    error=str(error),
                )
            self._displace(portal)
        note_unbound(self._connections.warehouse, portal)
        self._portals.disconnect(portal)

    def _counted(self, name: str) -> str:
        known = self._named(name)
        return known.entity_type if known else "both"

    def _asked(self, name: str, domain: str) -> PortalAddress:
        address = read_address(domain.strip(), self._connections.allowed_portals)
        self._portals.may_connect(name, address.written)
        return address

    def _save(
        self,
        name: str,
        tokens: Tokens,
        entity_type: str,
        application_token: str | None = None,
        state: str | None = None,
    ) -> Portal:
        credential = AppCredential(tokens.address, FreshToken(tokens.access_token))
        label = f"{name} ({tokens.address.named})"
        with self._connections.client_of(credential, label, "standard") as client:
            probed, plan = probe(client), plan_of(client)
        require_rights(self._named(name), probed, name, is_installation=application_token is not None)
        for warning in probed.warnings:
            logger("connecting").warning(warning, portal=name)
        portal = self._portals.save_oauth(
            name,
            replace(tokens, user_id=probed.user_id),
            entity_type=entity_type,
            plan=plan,
            time_zone=probed.time_zone,
            user_is_admin=probed.is_admin,
            application_token=application_token,
            state=state,
        )
        self._bind(portal)
        self._place(portal)
        return portal

    def _bind(self, portal: Portal) -> None:
        """Binds the events; if that fails the portal is synced by watermark, and `doctor` says what is missing."""
        try:
            with self._connections.client(portal) as client:
                bind(client, portal, self.handler_url, self._connections.warehouse)
        except PortalError as error:
            logger("connecting").warning("events are not bound", portal=portal.name, error=str(error))

    def _place(self, portal: Portal) -> None:
        """Adds our page to the portal's menu; without that right everything else works."""
        try:
            with self._connections.client(portal) as client:
                place(client, f"{self._public_url}{INSIDE_PATH}")
        except ScopeMissing as error:
            # a choice of whoever made the application, and nothing is wrong
            logger("connecting").info("no page inside the portal", portal=portal.name, error=str(error))
        except PortalError as error:
            logger("connecting").warning("no page inside the portal", portal=portal.name, error=str(error))

    def _displace(self, portal: Portal) -> None:
        try:
            with self._connections.client(portal) as client:
                displace(client)
        except B24Error as error:
            # most often it never had the right to it
            logger("connecting").info(
                "the portal's menu stays as it is", portal=portal.name, error=str(error)
            )

    def _named(self, name: str) -> Portal | None:
        return next((portal for portal in self._portals.all() if portal.name == name), None)

    def _at(self, address: PortalAddress) -> Portal | None:
        """The portal that is connected at this address, which the authorization server has confirmed."""
        return next((portal for portal in self._portals.all() if portal.domain == address.written), None)

    def _free_name(self, tokens: Tokens) -> str:
        """A free name made of the address."""
        name = tokens.address.host.strip("[]").partition(".bitrix24.")[0].replace(":", "-")[:50]
        return f"{name}-{tokens.member_id[:6]}" if self._named(name) else name
