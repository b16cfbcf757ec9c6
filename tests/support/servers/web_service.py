"""A service on a real socket of this process, and a portal's side of it that a test scripts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from fastapi import FastAPI

from b24_pipeline.store.crm.stage_flags import Flags, Stage
from b24_pipeline.store.own_leads.directions import Direction, StageCode
from b24_pipeline.store.own_leads.funnels import Creative, OwnLeadDays, StageCount
from b24_pipeline.store.own_leads.key_stages import KeyStageStats
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.qualification.conditions import Condition
from b24_pipeline.store.qualification.fields import FieldChoice
from b24_pipeline.sync.own_leads.match import Matched
from b24_pipeline.web.server import listen, server_of

KEY = "a-key-of-more-than-128-bits-0123456789"
BEARER = {"Authorization": f"Bearer {KEY}"}
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
CANARY = "canary-5up3r-secret"


@contextmanager
def served(app: FastAPI, listening: socket.socket | None = None) -> Iterator[str]:
    """Serves the application, on a socket that is there already or on a free one; yields its address."""
    with listening or listen("127.0.0.1", 0) as listening:
        server = server_of(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def portal(name: str = "acme", **about: object) -> Portal:
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
    return replace(made, **about)  # type: ignore[arg-type]


STAGE = Stage(
    UUID("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"),
    *("deal", 0, "Sales", "NEW", "New", "#39A8EF", 10, "process"),
    *(False, False, False),
)

DIRECTION = Direction(UUID("7f6e5d4c-3b2a-1908-8776-655443322110"), "Spring", None, NOON, 0, [])


@dataclass
class ScriptedPortals:
    """Plays `sync.connecting.Connecting` and `sync.managing.Managing`: remembers calls, raises what it is told."""

    portals: list[Portal] = field(default_factory=list)
    raises: Exception | None = None
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def begin(self, name: str, domain: str, entity_type: str | None, browser: str) -> str:
        self._called("begin", name, domain, entity_type, browser)
        return f"https://{domain}/oauth/authorize/?client_id=local.1&state=signed"

    def finish(self, code: str, state: str, browser: str, domain: str, member_id: str) -> Portal:
        self._called("finish", code, state, browser, domain, member_id)
        return portal()

    def all(self) -> list[Portal]:
        return self.portals

    def disconnect(self, one: Portal) -> None:
        self._called("disconnect", one.name)

    def count_funnel_of(self, one: Portal, entity_type: str) -> None:
        self._called("count_funnel_of", one.name, entity_type)

    def sync_pipelines(self, one: Portal) -> int:
        self._called("sync_pipelines", one.name)
        return 14

    def stages(self, one: Portal) -> list[Stage]:
        self._called("stages", one.name)
        return [STAGE]

    def field_list(self, one: Portal, entity_type: str) -> list[FieldChoice]:
        self._called("field_list", one.name, entity_type)
        return []

    def sync_leads(self, one: Portal, entity_type: str | None) -> Matched:
        self._called("sync_leads", one.name, entity_type)
        return Matched(one.name, own_leads=3, matched=2, linked=1, updated=1, not_found=1)

    def set_flags(self, one: Portal, stage: UUID, flags: Flags) -> Stage:
        self._called("set_flags", one.name, stage, flags)
        return STAGE

    def directions(self, one: Portal) -> list[Direction]:
        self._called("directions", one.name)
        return [DIRECTION]

    def add_direction(self, one: Portal, name: str) -> Direction:
        self._called("add_direction", one.name, name)
        return DIRECTION

    def set_key_stages(
        self, one: Portal, direction: UUID, entity_type: str, stages: Sequence[StageCode]
    ) -> Direction:
        self._called("set_key_stages", one.name, direction, entity_type, stages)
        return DIRECTION

    def key_stage_stats(self, one: Portal, direction: UUID, days: OwnLeadDays) -> KeyStageStats:
        self._called("key_stage_stats", one.name, direction, days)
        return KeyStageStats(DIRECTION, 0)

    def creatives(self, one: Portal) -> list[Creative]:
        self._called("creatives", one.name)
        return []

    def creative_funnel(
        self,
        one: Portal,
        entity_type: str,
        days: OwnLeadDays,
        *,
        creative: UUID | None = None,
        direction: UUID | None = None,
    ) -> list[StageCount]:
        self._called("creative_funnel", one.name, entity_type, days, creative, direction)
        return []

    def conditions(self, one: Portal) -> Sequence[Condition]:
        self._called("conditions", one.name)
        return []

    def set_conditions(self, one: Portal, conditions: Sequence[Condition]) -> Sequence[Condition]:
        self._called("set_conditions", one.name, *conditions)
        return conditions

    def _called(self, *call: object) -> None:
        self.calls.append(call)
        if self.raises:
            raise self.raises


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
