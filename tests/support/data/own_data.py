"""Own ad leads, creatives and directions at random, beside the CRM of `model_data`."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

FIRST = datetime(2026, 1, 30, 18, tzinfo=UTC)  # two ends of months, in both zones, are within the range
DIRECTIONS: dict[str, tuple[str | None, list[tuple[int, str]]]] = {
    "spring": ("deal", [(0, "C0:S3"), (1, "C1:S2"), (7, "C7:S9")]),
    "büros": ("lead", [(0, "C0:S1"), (0, "C0:S4")]),
    "undecided": (None, []),
    "nothing yet": ("deal", [(0, "C0:S1")]),
}
CREATIVES = {"video": "spring", "banner": "spring", "text": "büros", "quiz": None, "unused": "undecided"}


def populate(conn: psycopg.Connection[Any], seed: int, *, entities: int, own_leads: int = 120) -> None:
    """For each portal there is. Some own leads share a deal; some have one that is deleted, or that nobody has."""
    chance = random.Random(seed)
    for (account,) in conn.execute("select id from user_accounts order by name").fetchall():
        directions = {
            name: add_direction(conn, account, name, entity_type, stages)
            for name, (entity_type, stages) in DIRECTIONS.items()
        }
        creatives: dict[str, UUID] = {
            name: add_creative(conn, account, name, directions[of] if of else None)
            for name, of in CREATIVES.items()
        }
        for _ in range(own_leads):
            _add_random(conn, chance, account, entities, creatives, directions)
        _tag(conn, chance, account)


def change(conn: psycopg.Connection[Any], seed: int) -> None:
    """Own leads are matched anew or not at all any more, and key stages are chosen anew."""
    chance = random.Random(seed)
    for (account,) in conn.execute("select id from user_accounts order by name").fetchall():
        own = conn.execute(
            "select id from leads where user_account_id = %s order by id", (account,)
        ).fetchall()
        for (one,) in chance.sample(own, 15):
            conn.execute(
                "update leads set bitrix24_deal_id = %s, bitrix24_lead_id = %s, is_qualified = %s,"
                " loaded_at = clock_timestamp() where id = %s",
                (_some(chance, 30), _some(chance, 30), chance.random() < 0.3, one),
            )
        stages = [(0, f"C0:S{number}") for number in chance.sample(range(6), 2)]
        conn.execute(
            "update account_directions set key_stages = %s where user_account_id = %s and name = 'spring'",
            (_key_stages(stages), account),
        )


def add_direction(
    conn: psycopg.Connection[Any],
    account: UUID,
    name: str,
    entity_type: str | None = None,
    stages: list[tuple[int, str]] | None = None,
) -> UUID:
    """A direction with its key stages."""
    row = conn.execute(
        "insert into account_directions (user_account_id, name, bitrix24_entity_type, key_stages)"
        " values (%s, %s, %s, %s) returning id",
        (account, name, entity_type, _key_stages(stages or [])),
    ).fetchone()
    assert row
    return UUID(str(row[0]))


def add_creative(
    conn: psycopg.Connection[Any], account: UUID, name: str, direction: UUID | None = None
) -> UUID:
    """A creative of a direction or of none."""
    row = conn.execute(
        "insert into creatives (user_account_id, name, direction_id) values (%s, %s, %s) returning id",
        (account, name, direction),
    ).fetchone()
    assert row
    return UUID(str(row[0]))


def add_own_lead(
    conn: psycopg.Connection[Any],
    account: UUID,
    *,
    creative: UUID | None = None,
    direction: UUID | None = None,
    created: datetime = FIRST,
    lead: int | None = None,
    deal: int | None = None,
    qualified: bool = False,
) -> UUID:
    """An own lead, and what it has become."""
    row = conn.execute(
        "insert into leads (user_account_id, creative_id, direction_id, created_at, bitrix24_lead_id,"
        " bitrix24_deal_id, is_qualified) values (%s, %s, %s, %s, %s, %s, %s) returning id",
        (account, creative, direction, created, lead, deal, qualified),
    ).fetchone()
    assert row
    return UUID(str(row[0]))


def _add_random(
    conn: psycopg.Connection[Any],
    chance: random.Random,
    account: UUID,
    entities: int,
    creatives: dict[str, UUID],
    directions: dict[str, UUID],
) -> None:
    name = chance.choice([None, "video", "video", "banner", "text", "quiz"])
    of_creative = CREATIVES[name] if name else None
    direction = chance.choice([of_creative, of_creative, None, "spring", "büros", "undecided"])
    add_own_lead(
        conn,
        account,
        creative=creatives[name] if name else None,
        direction=directions[direction] if direction else None,
        created=FIRST + timedelta(hours=chance.randrange(24 * 35)),
        lead=_some(chance, entities),
        deal=_some(chance, entities),
        qualified=chance.random() < 0.2,
    )


def _some(chance: random.Random, entities: int) -> int | None:
    """Few enough that some are chosen twice; the last ones are in no table."""
    return chance.choice([None, chance.randrange(1, entities + 4), chance.randrange(1, 12)])


def _tag(conn: psycopg.Connection[Any], chance: random.Random, account: UUID) -> None:
    for table in ("bitrix24_leads", "bitrix24_deals"):
        for (number,) in conn.execute(
            f"select id from {table} where user_account_id = %s", (account,)
        ).fetchall():
            tags = chance.choice([None, "", "spring", "spring", "C|D"]), chance.choice([None, "a", "b", ""])
            conn.execute(
                f"update {table} set utm_campaign = %s, utm_content = %s where user_account_id = %s and id = %s",
                (*tags, account, number),
            )


def _key_stages(stages: list[tuple[int, str]]) -> Jsonb:
    return Jsonb([{"category_id": category, "status_id": status} for category, status in stages])
