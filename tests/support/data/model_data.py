"""Raw tables filled at random, with everything that makes a funnel hard to count."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from tests.support.data import own_data

START = datetime(2026, 1, 1, tzinfo=UTC)
PIPELINES = {"deal": [0, 1, 7], "lead": [0]}
SEMANTICS = ["process", "process", "process", "process", "success", "failure"]


def populate(conn: psycopg.Connection[Any], seed: int, *, entities: int = 60) -> None:
    """Two portals in different time zones, loaded an hour ago."""
    chance = random.Random(seed)
    for name, zone in (("acme", "Europe/Moscow"), ("büro", "America/Los_Angeles")):
        account = add_portal(conn, name, zone)
        for entity_type, pipelines in PIPELINES.items():
            for category in pipelines:
                _add_pipeline(conn, chance, account, entity_type, category)
            for number in range(1, entities + 1):
                _add_entity(conn, chance, account, entity_type, number)
    own_data.populate(conn, seed, entities=entities)
    _qualify(conn, seed)
    conn.execute("update bitrix24_deals set loaded_at = now() - interval '1 hour'")
    conn.execute("update bitrix24_leads set loaded_at = now() - interval '1 hour'")
    conn.execute("update bitrix24_status_history set loaded_at = now() - interval '1 hour'")


def change(conn: psycopg.Connection[Any], seed: int) -> None:
    """What a day brings: moves, deletions, returns, late history, and a directory that is sorted anew."""
    chance = random.Random(seed)
    for (account,) in conn.execute("select id from user_accounts order by name").fetchall():
        for entity_type in PIPELINES:
            for number in chance.sample(range(1, 60), 8):
                _change_entity(conn, chance, account, entity_type, number)
            _add_entity(conn, chance, account, entity_type, 1000 + seed)
        conn.execute(
            "update bitrix24_pipeline_stages set status_sort = status_sort + 25, is_qualified_stage = true"
            " where user_account_id = %s and status_id like %s",
            (account, f"%S{chance.randrange(4)}"),
        )
    own_data.change(conn, seed)
    _qualify(conn, seed)


def add_portal(conn: psycopg.Connection[Any], name: str, zone: str = "UTC") -> UUID:
    """A portal without anything in it."""
    row = conn.execute(
        "insert into user_accounts (name, bitrix24_domain, bitrix24_time_zone) values (%s, %s, %s) returning id",
        (name, f"{name}.example", zone),
    ).fetchone()
    assert row
    return UUID(str(row[0]))


def add_stage(
    conn: psycopg.Connection[Any],
    account: UUID,
    status: str,
    sort: int | None,
    semantics: str = "process",
    *,
    category: int = 0,
    entity_type: str = "deal",
    deleted: bool = False,
) -> None:
    """A stage whose flags are as a sync sets them; one called S2 also qualifies."""
    conn.execute(
        "insert into bitrix24_pipeline_stages (user_account_id, entity_type, category_id, category_name,"
        " status_id, status_name, status_sort, status_semantics, is_qualified_stage, is_success_stage,"
        " is_fail_stage, deleted_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, case when %s then now() end)",
        (
            account,
            entity_type,
            category,
            f"Pipeline {category}",
            status,
            f"Stage {status}",
            sort,
            semantics,
            status.endswith("S2"),
            semantics == "success",
            semantics == "failure",
            deleted,
        ),
    )


def add_deal(
    conn: psycopg.Connection[Any],
    account: UUID,
    number: int,
    status: str | None,
    *,
    category: int = 0,
    moved: datetime | None = START,
    amount: float | None = 10,
    currency: str | None = "RUB",
    recurring: bool = False,
    deleted: bool = False,
) -> None:
    """A deal as it stands now."""
    conn.execute(
        "insert into bitrix24_deals (user_account_id, id, title, category_id, stage_id, stage_semantic_id,"
        " opportunity, currency_id, is_recurring, date_create, moved_time, source_id, assigned_by_id, deleted_at)"
        " values (%s, %s, 'A deal', %s, %s, 'P', %s, %s, %s, %s, %s, 'WEB', 1, case when %s then now() end)"
        " on conflict (user_account_id, id) do update set category_id = excluded.category_id,"
        " stage_id = excluded.stage_id, moved_time = excluded.moved_time, opportunity = excluded.opportunity,"
        " deleted_at = excluded.deleted_at, loaded_at = clock_timestamp()",
        (account, number, category, status, amount, currency, recurring, START, moved, deleted),
    )


def add_move(
    conn: psycopg.Connection[Any],
    account: UUID,
    entity_type: str,
    number: int,
    status: str,
    at: datetime,
    *,
    category: int = 0,
    history_id: int | None = None,
) -> None:
    """A move; without `history_id` one that an event told."""
    conn.execute(
        "insert into bitrix24_status_history (user_account_id, entity_type, history_id, bitrix24_lead_id,"
        " bitrix24_deal_id, to_status_id, to_category_id, changed_at, source)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (
            account,
            entity_type,
            history_id,
            number if entity_type == "lead" else None,
            number if entity_type == "deal" else None,
            status,
            category,
            at,
            "event" if history_id is None else "history",
        ),
    )


def _qualify(conn: psycopg.Connection[Any], seed: int) -> None:
    """Every third lead and deal or so fulfils a condition or once did; also some that are gone."""
    chance = random.Random(seed + 1)
    for (account,) in conn.execute("select id from user_accounts order by name").fetchall():
        for entity_type in PIPELINES:
            for number in chance.sample(range(1, 70), 25):
                conn.execute(
                    "insert into bitrix24_qualification (user_account_id, entity_type, entity_id, is_qualified,"
                    " matched_field, first_qualified_at) values (%s, %s, %s, %s, %s, %s)"
                    " on conflict (user_account_id, entity_type, entity_id) do update"
                    " set is_qualified = excluded.is_qualified, loaded_at = clock_timestamp()",
                    (
                        account,
                        entity_type,
                        number,
                        chance.random() < 0.6,
                        f"UF_CRM_{chance.randrange(3)}",
                        START + timedelta(days=chance.randrange(30)),
                    ),
                )


def _add_pipeline(
    conn: psycopg.Connection[Any], chance: random.Random, account: UUID, entity_type: str, category: int
) -> None:
    if category != 7:  # the directory does not know pipeline 7
        conn.execute(
            "insert into bitrix24_pipelines (user_account_id, entity_type, category_id, name, sort, is_default)"
            " values (%s, %s, %s, %s, %s, %s)",
            (account, entity_type, category, f"Pipeline {category}", category * 10, category == 0),
        )
    for number, semantics in enumerate(SEMANTICS):
        add_stage(
            conn,
            account,
            f"C{category}:S{number}",
            number * 10,
            semantics,
            category=category,
            entity_type=entity_type,
            deleted=number == 3 and chance.random() < 0.5,
        )


def _add_entity(
    conn: psycopg.Connection[Any], chance: random.Random, account: UUID, entity_type: str, number: int
) -> None:
    category, status, at = 0, "", START + timedelta(minutes=chance.randrange(60 * 24 * 20))
    for _ in range(chance.randrange(7)):
        category, status = _somewhere(chance, entity_type)
        history_id = chance.choice([None, chance.randrange(10**9)])
        add_move(conn, account, entity_type, number, status, at, category=category, history_id=history_id)
        at += timedelta(minutes=chance.choice([0, 1, 90, 60 * 24 * 3, 60 * 24 * 9]))
    if not status or chance.random() < 0.2:  # stands elsewhere than its moves tell
        category, status = _somewhere(chance, entity_type)
    moved = chance.choice([None, at - timedelta(days=5), at + timedelta(hours=1)])
    _store(conn, chance, account, entity_type, number, category, status, moved)


def _change_entity(
    conn: psycopg.Connection[Any], chance: random.Random, account: UUID, entity_type: str, number: int
) -> None:
    category, status = _somewhere(chance, entity_type)
    at = START + timedelta(days=chance.randrange(40), seconds=chance.randrange(86400))
    if chance.random() < 0.8:
        add_move(conn, account, entity_type, number, status, at, category=category)
    if chance.random() < 0.8:
        _store(conn, chance, account, entity_type, number, category, status, at)


def _somewhere(chance: random.Random, entity_type: str) -> tuple[int, str]:
    """A stage; now and then one that the directory never had."""
    category = chance.choice(PIPELINES[entity_type] + [0, 0])
    return category, f"C{category}:S{chance.choice([0, 1, 2, 3, 4, 5, 1, 2, 9])}"


def _store(
    conn: psycopg.Connection[Any],
    chance: random.Random,
    account: UUID,
    entity_type: str,
    number: int,
    category: int,
    status: str,
    moved: datetime | None,
) -> None:
    deleted = chance.random() < 0.1
    if entity_type == "deal":
        add_deal(
            conn,
            account,
            number,
            status,
            category=category,
            moved=moved,
            amount=chance.choice([None, 0, 10.5, 99]),
            currency=chance.choice(["RUB", "RUB", "RUB", "EUR", None]),
            recurring=chance.random() < 0.1,
            deleted=deleted,
        )
        return
    conn.execute(
        "insert into bitrix24_leads (user_account_id, id, title, status_id, status_semantic_id, opportunity,"
        " currency_id, date_create, moved_time, deleted_at)"
        " values (%s, %s, 'A lead', %s, 'P', 5, 'RUB', %s, %s, case when %s then now() end)"
        " on conflict (user_account_id, id) do update set status_id = excluded.status_id,"
        " moved_time = excluded.moved_time, deleted_at = excluded.deleted_at, loaded_at = clock_timestamp()",
        (account, number, status, START, moved, deleted),
    )
