"""An account with a few own leads, and what the service tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tests.support.data import model_data
from tests.support.data.model_data import add_deal, add_move, add_stage
from tests.support.data.own_data import add_creative, add_direction, add_own_lead
from tests.support.servers.live_service import Live
from tests.support.servers.web_service import BEARER

EVENING = datetime(2026, 3, 31, 20, 59, 59, tzinfo=UTC)  # one second before midnight in Moscow


@dataclass
class Shop:
    """An account with two pipelines, a direction, a creative and a few own leads."""

    running: Live
    name: str
    account: UUID
    direction: UUID
    creative: UUID

    def get(self, call: str, **asked: Any) -> tuple[int, Any]:
        told = self.running.client.get(
            f"/bitrix24/{call}", params={"account": self.name, **asked}, headers=BEARER
        )
        return told.status_code, told.json()

    def funnel(self, **asked: Any) -> dict[str, Any]:
        status, told = self.get("creative-funnel-stats", **asked)
        assert status == 200, told
        found: dict[str, Any] = told
        return found

    def counts(self, **asked: Any) -> dict[str, int]:
        return {stage["statusId"]: stage["count"] for stage in self.funnel(**asked)["stages"]}

    def key_stages(self, *stages: tuple[int, str], entity_type: str = "deal") -> tuple[int, Any]:
        wanted = [{"categoryId": category, "statusId": status} for category, status in stages]
        return self.patch({"entityType": entity_type, "keyStages": wanted})

    def patch(self, body: Any, direction: object = None) -> tuple[int, Any]:
        told = self.running.client.patch(
            f"/bitrix24/directions/{direction or self.direction}/key-stages?account={self.name}",
            json=body,
            headers=BEARER,
        )
        return told.status_code, told.json()

    def reached(self, **asked: Any) -> list[tuple[str, int]]:
        status, told = self.get(f"directions/{self.direction}/key-stage-stats", **asked)
        assert status == 200, told
        return [(stage["status_name"], stage["qualified_leads"]) for stage in told["key_stages"]]


@contextmanager
def opened_shop(running: Live) -> Iterator[Shop]:
    """Three own leads at the turn of a month in Moscow: open, won, and with a deal that was deleted."""
    name = f"shop-{uuid4().hex[:8]}"
    with running.runtime.warehouse.connect() as conn:
        account = model_data.add_portal(conn, name, "Europe/Moscow")
        for category in (0, 5):
            for number, semantics in enumerate(model_data.SEMANTICS):
                add_stage(conn, account, f"C{category}:S{number}", number, semantics, category=category)
        direction = add_direction(conn, account, "spring")
        creative = add_creative(conn, account, "video", direction)
        about: dict[str, Any] = {"creative": creative, "direction": direction}
        add_deal(conn, account, 1, "C0:S1")
        add_move(conn, account, "deal", 1, "C0:S2", model_data.START)
        add_move(conn, account, "deal", 1, "C0:S1", model_data.START + timedelta(days=1))
        add_deal(conn, account, 2, "C5:S4", category=5)
        add_deal(conn, account, 3, "C0:S0", deleted=True)
        add_own_lead(conn, account, **about, deal=1, created=EVENING)
        add_own_lead(conn, account, **about, deal=2, created=EVENING + timedelta(seconds=1))
        add_own_lead(conn, account, direction=direction, deal=2, created=EVENING, qualified=True)
        add_own_lead(conn, account, **about, deal=3, created=EVENING)
    yield Shop(running, name, account, direction, creative)
    with running.runtime.warehouse.connect() as conn:
        conn.execute("delete from bitrix24_status_history where user_account_id = %s", (account,))
        conn.execute("delete from user_accounts where id = %s", (account,))


def change(shop: Shop, statement: str, *values: object) -> None:
    with shop.running.runtime.warehouse.connect() as conn:
        conn.execute(statement, values)
