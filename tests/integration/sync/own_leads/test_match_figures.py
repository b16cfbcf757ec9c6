"""Matches beside those that a few plain loops find, by the words of docs/matching.md."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.data.own_leads import START, Crm
from tests.support.installation import fetch

NUMBERS = [f"921000{number:04}" for number in range(12)]
STYLES = ("+7{}", "8{}", "7 {}", "8 ({})")


@pytest.mark.parametrize("seed", range(5))
def test_matches_are_what_plain_loops_find(warehouse: Warehouse, seed: int) -> None:
    """For every own lead of a crowd that shares its phones, also after changes; the model says the same."""
    chance = random.Random(seed)
    crm = Crm(warehouse)
    crm.execute(
        "update user_accounts set bitrix24_entity_type = %s", chance.choice(["both", "both", "deal", "lead"])
    )
    for _ in range(25):
        crm.own(chance.choice([None, "нет", *[some_phones(chance, 2) for _ in range(10)]]))
    for _ in range(3):
        change(crm, chance)
        crm.link()
        assert told(crm) == expected(crm)
    build(warehouse.connect, load_project(), select="+lead_matches")
    model = fetch(
        warehouse,
        "select own_lead_id, lead_id, contact_id, deal_id, status_id, chosen_because, unmatched_reason"
        " from analytics.lead_matches order by own_lead_id",
    )
    assert [tuple(row.values()) for row in model] == told(crm)


def some_phones(chance: random.Random, most: int) -> str:
    numbers = chance.sample(NUMBERS, chance.randint(1, most))
    return ", ".join(chance.choice(STYLES).format(number) for number in numbers)


def change(crm: Crm, chance: random.Random) -> None:
    for number in chance.sample(range(1, 15), 8):
        phones = [some_phones(chance, 2) for _ in range(chance.randint(0, 2))]
        crm.lead(number, *phones, day=number, status=chance.choice(["NEW", "CONVERTED"]))
        crm.contact(number, *[some_phones(chance, 1) for _ in range(chance.randint(0, 2))], day=number)
    for number in chance.sample(range(1, 30), 12):
        links = {
            "contact_id": chance.choice([None, *range(1, 15)]),
            "lead_id": chance.choice([None, *range(1, 15)]),
        }
        crm.deal(number, day=number, stage=chance.choice(["NEW", "WON", "LOSE", "GONE"]), **links)
    crm.delete(chance.choice(["bitrix24_leads", "bitrix24_contacts"]), chance.randint(1, 15))
    crm.delete("bitrix24_deals", chance.randint(1, 30))


def told(crm: Crm) -> list[tuple[Any, ...]]:
    rows = fetch(
        crm.warehouse,
        "select l.id, l.bitrix24_lead_id, l.bitrix24_contact_id, l.bitrix24_deal_id, l.current_status_id,"
        " m.chosen_because, m.unmatched_reason from leads l join lead_matches m on m.lead_id = l.id order by l.id",
    )
    return [tuple(row.values()) for row in rows]


def expected(crm: Crm) -> list[tuple[Any, ...]]:
    alive = {
        name: {
            row["id"]: row
            for row in fetch(crm.warehouse, f"select * from bitrix24_{name} where deleted_at is null")
        }
        for name in ("leads", "contacts", "deals")
    }
    (counted,) = fetch(crm.warehouse, "select bitrix24_entity_type as kind from user_accounts")
    owns = fetch(crm.warehouse, "select id, phone from leads order by id")
    return [(own["id"], *expected_of(own["phone"], alive, counted["kind"])) for own in owns]


def expected_of(phone: str | None, alive: dict[str, Any], kind: str) -> tuple[Any, ...]:
    numbers = digits_of(phone or "")
    if not numbers:
        return (None, None, None, None, None, "invalid_phone" if phone else "no_phone")
    leads = {row["id"] for row in alive["leads"].values() if numbers & phones_of_row(row)}
    contacts = {row["id"] for row in alive["contacts"].values() if numbers & phones_of_row(row)}
    reached = [
        row for row in alive["deals"].values() if row["contact_id"] in contacts or row["lead_id"] in leads
    ]
    if kind == "lead":
        reached, contacts = [], set()
    if reached:
        best = max(reached, key=lambda row: (row["stage_id"] not in ("WON", "LOSE"), row["date_create"]))
        lead = (
            best["lead_id"]
            if best["lead_id"] in alive["leads"]
            else newest(leads if kind != "deal" else set())
        )
        contact = best["contact_id"] if best["contact_id"] in alive["contacts"] else newest(contacts)
        if contact is None and lead is not None and kind != "deal":
            found = alive["leads"][newest(leads)]["contact_id"] if leads else None
            contact = found if found in alive["contacts"] else None
        is_open = best["stage_id"] not in ("WON", "LOSE")
        why = "newest_open_deal" if is_open else "newest_deal"
        why = why if best["contact_id"] in contacts else "deal_of_lead"
        return (lead, contact, best["id"], best["stage_id"], why, None)
    if leads and kind != "deal":
        lead = newest(leads)
        return (lead, newest(contacts), None, alive["leads"][lead]["status_id"], "newest_lead", None)
    if contacts:
        return (None, newest(contacts), None, None, "only_contact", None)
    return (None, None, None, None, None, "not_found")


def newest(numbers: set[int]) -> Any:
    """Ids grow with the day of creation here."""
    return max(numbers, default=None)


def phones_of_row(row: dict[str, Any]) -> set[str]:
    assert row["date_create"] == START + timedelta(days=row["id"])
    return digits_of(", ".join(one["VALUE"] for one in row["phones"]))


def digits_of(text: str) -> set[str]:
    parts = ["".join(symbol for symbol in part if symbol.isdigit())[-10:] for part in text.split(",")]
    return {part for part in parts if part}
