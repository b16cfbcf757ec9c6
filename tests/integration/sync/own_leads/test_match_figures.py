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
    for number, own in enumerate(fetch(warehouse, "select id from leads order by created_at")):
        came = START + timedelta(days=35 if number % 2 else 1)
        crm.execute("update leads set created_at = %s where id = %s", came, own["id"])
    for _ in range(3):
        change(crm, chance)
        crm.link()
        assert told(crm) == expected(crm)
    build(warehouse.connect, load_project(), select="+lead_matches")
    model = fetch(
        warehouse,
        "select own_lead_id, lead_id, contact_id, deal_id, status_id, company_id, chosen_because, unmatched_reason"
        " from analytics.lead_matches order by own_lead_id",
    )
    assert [tuple(row.values()) for row in model] == told(crm)
    _compare_ages(warehouse)


def _compare_ages(warehouse: Warehouse) -> None:
    """Whether each deal or lead was there before the own lead came."""
    ages = fetch(
        warehouse,
        "select m.entity_created_at as told, m.is_older, m.created_at,"
        " case when m.deal_id is null then l.date_create else d.date_create end as expected"
        " from analytics.lead_matches m"
        " left join bitrix24_deals d on d.id = m.deal_id left join bitrix24_leads l on l.id = m.lead_id",
    )
    for row in ages:
        created = row["expected"]
        assert row["told"] == created
        assert row["is_older"] == (None if created is None else created < row["created_at"])
    assert {row["is_older"] for row in ages} == {None, True, False}


def some_phones(chance: random.Random, most: int) -> str:
    numbers = chance.sample(NUMBERS, chance.randint(1, most))
    return ", ".join(chance.choice(STYLES).format(number) for number in numbers)


def change(crm: Crm, chance: random.Random) -> None:
    for number in (1, 2, 3):
        crm.company(number, *[some_phones(chance, 1) for _ in range(chance.randint(0, 2))], day=number)
    for kind, numbers in (("lead", range(1, 15)), ("deal", range(1, 30))):
        for number in chance.sample(numbers, 6):
            crm.contacts(kind, number, *chance.sample(range(1, 15), chance.randint(0, 3)))
    for number in chance.sample(range(1, 15), 8):
        phones = [some_phones(chance, 2) for _ in range(chance.randint(0, 2))]
        owner = {"contact_id": chance.choice([None, number]), "company_id": chance.choice([None, None, 1, 2])}
        crm.lead(number, *phones, day=number, status=chance.choice(["NEW", "CONVERTED"]), **owner)
        crm.contact(number, *[some_phones(chance, 1) for _ in range(chance.randint(0, 2))], day=number)
    for number in chance.sample(range(1, 30), 12):
        links = {
            "contact_id": chance.choice([None, *range(1, 15)]),
            "lead_id": chance.choice([None, *range(1, 15)]),
            "company_id": chance.choice([None, None, 1, 2, 3]),
        }
        crm.deal(number, day=number, stage=chance.choice(["NEW", "WON", "LOSE", "GONE"]), **links)
    crm.delete(
        chance.choice(["bitrix24_leads", "bitrix24_contacts", "bitrix24_companies"]), chance.randint(1, 15)
    )
    crm.delete("bitrix24_deals", chance.randint(1, 30))


def told(crm: Crm) -> list[tuple[Any, ...]]:
    rows = fetch(
        crm.warehouse,
        "select l.id, l.bitrix24_lead_id, l.bitrix24_contact_id, l.bitrix24_deal_id, l.current_status_id,"
        " m.bitrix24_company_id, m.chosen_because, m.unmatched_reason"
        " from leads l join lead_matches m on m.lead_id = l.id order by l.id",
    )
    return [tuple(row.values()) for row in rows]


def expected(crm: Crm) -> list[tuple[Any, ...]]:
    alive = {
        name: {
            row["id"]: row
            for row in fetch(crm.warehouse, f"select * from bitrix24_{name} where deleted_at is null")
        }
        for name in ("leads", "contacts", "companies", "deals")
    }
    for name, of_owner in linked(crm).items():
        for row in alive[f"{name}s"].values():
            row["contacts"] = {row["contact_id"], *of_owner.get(row["id"], ())} & set(alive["contacts"])
    (counted,) = fetch(crm.warehouse, "select bitrix24_entity_type as kind from user_accounts")
    owns = fetch(crm.warehouse, "select id, phone from leads order by id")
    return [(own["id"], *expected_of(own["phone"], alive, counted["kind"])) for own in owns]


def linked(crm: Crm) -> dict[str, dict[int, set[int]]]:
    """The contacts of each lead and deal beside the main one."""
    found: dict[str, dict[int, set[int]]] = {"lead": {}, "deal": {}}
    for row in fetch(crm.warehouse, "select * from bitrix24_contact_links where deleted_at is null"):
        found[row["entity_type"]].setdefault(row["entity_id"], set()).add(row["contact_id"])
    return found


def expected_of(phone: str | None, alive: dict[str, Any], kind: str) -> tuple[Any, ...]:
    """Lead, contact, deal, stage, company, why, why not."""
    numbers = digits_of(phone or "")
    if not numbers:
        return (*[None] * 6, "invalid_phone" if phone else "no_phone")
    leads, contacts, companies = (
        {row["id"] for row in alive[name].values() if numbers & phones_of_row(row)}
        for name in ("leads", "contacts", "companies")
    )
    found = [ways_of_deal(row, leads, contacts, companies) for row in alive["deals"].values()]
    found += [ways_of_lead(row, leads, contacts, companies) for row in alive["leads"].values()]
    found = [one for one in found if one["way"] and kind in (one["type"], "both")]
    if not found:
        return nothing_but_people(contacts, companies, kind)
    best = max(found, key=rank)
    row, is_deal, by_company = best["row"], best["type"] == "deal", best["way"] == "company"
    main = row["contact_id"] if row["contact_id"] in alive["contacts"] else None
    known = newest(contacts if kind != "lead" else set())
    own = best["contact"] if best["way"] == "contact" else None
    lead = row["id"]
    if is_deal:
        others = [one for one in found if one["type"] == "lead" and one["way"] != "company"]
        other = max(others, key=rank)["row"] if others else None
        lead = row["lead_id"] if row["lead_id"] in alive["leads"] else other["id"] if other else None
        main = main or (None if known or own or not other else others_contact(max(others, key=rank), alive))
    # whoever has the phone; of what a lead made, its main contact first
    contact = own or ((main or known) if is_deal and not by_company else (known or main))
    stage = row["stage_id"] if is_deal else row["status_id"]
    is_open = stage not in ("WON", "LOSE")
    why = ("newest_open_deal" if is_open else "newest_deal") if is_deal else "newest_lead"
    why = "deal_of_lead" if is_deal and best["way"] == "lead" else why
    company = row["company_id"] if by_company else None
    return (lead, contact, row["id"] if is_deal else None, stage, company, why, None)


def others_contact(lead: dict[str, Any], alive: dict[str, Any]) -> Any:
    main = lead["contact"] if lead["way"] == "contact" else lead["row"]["contact_id"]
    return main if main in alive["contacts"] else None


def rank(one: dict[str, Any]) -> tuple[Any, ...]:
    """A person's phone before a company's, a deal before a lead, open before closed, then the newest."""
    is_deal = one["type"] == "deal"
    is_open = is_deal and one["row"]["stage_id"] not in ("WON", "LOSE")
    return one["way"] != "company", is_deal, is_open, one["row"]["date_create"]


def nothing_but_people(contacts: set[int], companies: set[int], kind: str) -> tuple[Any, ...]:
    if kind != "lead" and contacts:
        return (None, newest(contacts), None, None, None, "only_contact", None)
    if kind != "lead" and companies:
        return (None, None, None, None, newest(companies), "only_company", None)
    return (*[None] * 6, "not_found")


def ways_of_deal(
    row: dict[str, Any], leads: set[int], contacts: set[int], companies: set[int]
) -> dict[str, Any]:
    """How a deal is found: by a contact, its lead, or its company."""
    way = "lead" if row["lead_id"] in leads else "company" if row["company_id"] in companies else None
    contact = contact_of(row, contacts)
    return {"type": "deal", "row": row, "contact": contact, "way": "contact" if contact else way}


def ways_of_lead(
    row: dict[str, Any], leads: set[int], contacts: set[int], companies: set[int]
) -> dict[str, Any]:
    """How a lead is found: by its own phone, a contact, or its company."""
    contact = contact_of(row, contacts)
    way = "contact" if contact else "company" if row["company_id"] in companies else None
    return {"type": "lead", "row": row, "contact": contact, "way": "lead" if row["id"] in leads else way}


def contact_of(row: dict[str, Any], contacts: set[int]) -> int | None:
    """Who of its contacts has the phone: the main one, else the first."""
    having = row["contacts"] & contacts
    return row["contact_id"] if row["contact_id"] in having else min(having, default=None)


def newest(numbers: set[int]) -> Any:
    """Ids grow with the day of creation here."""
    return max(numbers, default=None)


def phones_of_row(row: dict[str, Any]) -> set[str]:
    assert row["date_create"] == START + timedelta(days=row["id"])
    return digits_of(", ".join(one["VALUE"] for one in row["phones"]))


def digits_of(text: str) -> set[str]:
    parts = ["".join(symbol for symbol in part if symbol.isdigit())[-10:] for part in text.split(",")]
    return {part for part in parts if part}
