"""A service on a real socket of this process, and a portal's side of it that a test scripts."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

from fastapi import FastAPI

from b24_pipeline.errors import InvitationRefused
from b24_pipeline.store.portals.entity_choice import KnownEntity
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.own_leads.match import MatchOutcome
from b24_pipeline.sync.portals.entity_listing import ListedEntity
from b24_pipeline.web.assembly import Parts
from b24_pipeline.web.connections import ConnectionLimits
from b24_pipeline.web.events.receiver import Receiver
from b24_pipeline.web.server import listen, server_of

KEY = "a-key-of-more-than-128-bits-0123456789"
BEARER = {"Authorization": f"Bearer {KEY}"}
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
INVITATION = "an-invitation"
CANARY = "canary-5up3r-secret"
_senders = itertools.count(int(ip_address("10.0.0.1")))


def another_sender() -> dict[str, str]:
    """The header of an address that nobody has sent from yet: what is counted for each sender begins anew.

    The tests of a module share a service, which takes 127.0.0.1 for its proxy.
    """
    return {"X-Forwarded-For": str(ip_address(next(_senders)))}


@contextmanager
def served(
    app: FastAPI, listening: socket.socket | None = None, limits: ConnectionLimits | None = None
) -> Iterator[str]:
    """Serves the application, on a socket that is there already or on a free one; yields its address."""
    with listening or listen("127.0.0.1", 0) as listening:
        server = server_of(app, limits=limits)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def portal(name: str = "acme", **changed: object) -> Portal:
    """A connected portal that is in no database."""
    made = Portal(
        id=uuid4(),
        name=name,
        domain=f"{name}.bitrix24.com",
        entity_type="both",
        plan="standard",
        status="connected",
        time_zone="UTC",
        member_id="0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        connected_by="oauth",
        connected_at=NOON,
        token_expires_at=datetime(2026, 11, 1, 13, tzinfo=UTC),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


NOTHING: Any = None


def parts_of(**given: Any) -> Parts:
    """Parts of a service with nothing behind it: no database, no portal, no sender of events."""
    usual = {
        "public_url": "http://127.0.0.1",
        "warehouse": NOTHING,
        "portals": NOTHING,
        "service": NOTHING,
        "receiver": Receiver(NOTHING, NOTHING),
        "check_database": lambda: None,
    }
    return Parts(**usual | given)


@dataclass
class Scripted:
    """Remembers what was called, and raises what a test wants."""

    raises: Exception | None = None
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def forget(self) -> None:
        """As new, for the next test of a module."""
        self.raises = None
        self.calls.clear()

    def _called(self, *call: object) -> None:
        self.calls.append(call)
        if self.raises:
            raise self.raises


class ScriptedConnecting(Scripted):
    """Plays `sync.portals.oauth.PortalConnector`."""

    def begin(self, name: str, domain: str, entity_type: str | None, browser: str) -> str:
        self._called("begin", name, domain, entity_type, browser)
        return f"https://{domain}/oauth/authorize/?client_id=local.1&state=signed"

    def begin_invited(
        self, invitation: str, name: str, domain: str, entity_type: str | None, browser: str
    ) -> str:
        self._called("begin_invited", invitation, name, domain, entity_type, browser)
        if invitation != INVITATION:
            raise InvitationRefused("this connection", "it needs an invitation")
        return f"https://{domain}/oauth/authorize/?client_id=local.1&state=signed"

    def invite(self, name: str, domain: str, entity_type: str | None) -> str:
        self._called("invite", name, domain, entity_type)
        return f"/bitrix24/auth?account={name}&domain={domain}&invitation={INVITATION}"

    def finish(self, code: str, state: str, browser: str, domain: str, member_id: str) -> Portal:
        self._called("finish", code, state, browser, domain, member_id)
        return portal()


@dataclass
class ScriptedService(Scripted):
    """Plays `web.portal_service.PortalService`: the calls that ask a portal."""

    is_asked_of_dagster: bool = False
    has_built: threading.Event = field(default_factory=threading.Event)

    def invite(self, name: str, domain: str, entity_type: str | None) -> str:
        self._called("invite", name, domain, entity_type)
        return f"https://b24.example.com/bitrix24/auth?account={name}&invitation={INVITATION}"

    def connect_webhook(self, name: str, url: str, entity_type: str | None) -> Portal:
        self._called("connect_webhook", name, url, entity_type)
        return portal(name, connected_by="webhook")

    def knock(self, domain: str) -> None:
        self._called("knock", domain)

    def scopes(self, asked: Portal) -> frozenset[str]:
        self._called("scopes", asked.name)
        return frozenset({"crm", "user"})

    def disconnect(self, asked: Portal) -> None:
        self._called("disconnect", asked.name)

    def set_entity_type(self, asked: Portal, entity_type: str) -> None:
        self._called("set_entity_type", asked.name, entity_type)

    def start_sync(self, asked: Portal) -> None:
        self._called("start_sync", asked.name)

    def leave_models(self) -> bool:
        return False

    def build_models(self) -> bool:
        """Not among the calls: a change of what figures rest on has it done, now or a moment later."""
        self.has_built.set()
        return True

    def sync_pipelines(self, asked: Portal) -> int:
        self._called("sync_pipelines", asked.name)
        return 14

    def sync_entities(self, asked: Portal, add: Sequence[str] = ()) -> list[ListedEntity]:
        self._called("sync_entities", asked.name, *add)
        known = [KnownEntity(name, None, name in add, 0, None) for name in ("invoice", "quote")]
        return [ListedEntity(one, 7) for one in known]

    def sync_leads(self, asked: Portal, entity_type: str | None) -> MatchOutcome:
        self._called("sync_leads", asked.name, entity_type)
        return MatchOutcome(asked.name, own_leads=3, matched=2, linked=1, updated=1, not_found=1)


def raw_answer(address: str, *pieces: bytes, pause_seconds: float = 0.0, patience: float = 30.0) -> bytes:
    """What comes back for these bytes, until the other side closes."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=patience) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause_seconds)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return _all_of(connection)


def _all_of(connection: socket.socket) -> bytes:
    came = b""
    try:
        while piece := connection.recv(65536):
            came += piece
    except ConnectionResetError:
        pass
    return came
