"""Own ad leads matched within the copy: the rules, and how they follow what changes."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads.matches import MANY, Linked
from b24_pipeline.sync.derived import FOLLOWERS
from b24_pipeline.sync.own_leads.match_copy import link_own_leads
from tests.support.data.own_leads import Crm
from tests.support.installation import fetch

PHONE, OTHER = "8 (921) 123-45-67", "+7 921 765-43-21"


@pytest.fixture
def crm(warehouse: Warehouse) -> Crm:
    return Crm(warehouse)


def picked(found: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(found[name] for name in names)


def test_it_runs_after_every_sync_and_drain() -> None:
    """By being among the followers."""
    assert link_own_leads in FOLLOWERS


def test_a_lead_is_matched_directly(crm: Crm) -> None:
    """Of several with the phone the newest; all of them are told."""
    crm.lead(1, "+79211234567", day=1)
    crm.lead(2, OTHER, PHONE, day=3, status="IN_PROCESS")
    crm.lead(3, OTHER, day=9)
    own = crm.own("89211234567 доб. 5")
    assert crm.link() == Linked(looked_at=1, linked=1, updated=0)
    found = crm.found(own)
    assert picked(found, "lead", "deal", "contact", "kind") == (2, None, None, "lead")
    assert picked(found, "status", "pipeline", "method", "why") == (
        "IN_PROCESS",
        0,
        "lead_phone",
        "newest_lead",
    )
    assert found["matched_phone"] == "+79211234567"
    assert found["candidates"] == [{"id": 1, "type": "lead"}, {"id": 2, "type": "lead"}]
    assert found["phones"] == ["+79211234567"]
    assert found["reason"] is None


def test_a_deal_is_found_through_its_contact_newest_open_one_first(crm: Crm) -> None:
    """A newer one that is won or lost by its stage's flags does not count, until no open one is left."""
    crm.contact(7, PHONE)
    crm.deal(1, day=1, contact_id=7)
    crm.deal(2, day=2, contact_id=7)
    crm.deal(3, day=8, contact_id=7, stage="WON")
    crm.deal(4, day=9, contact_id=7, stage="LOSE")
    crm.deal(5, day=9, contact_id=8)
    own = crm.own(PHONE)
    crm.link()
    found = crm.found(own)
    assert picked(found, "deal", "contact", "kind", "status", "why") == (
        2,
        7,
        "deal",
        "NEW",
        "newest_open_deal",
    )
    assert found["method"] == "contact_phone"
    crm.deal(1, stage="WON", contact_id=7)
    crm.deal(2, stage="LOSE", contact_id=7)
    assert crm.link() == Linked(looked_at=1, linked=0, updated=1)
    assert picked(crm.found(own), "deal", "status", "why") == (4, "LOSE", "newest_deal")


def test_what_a_stage_counts_as_decides_what_is_open(crm: Crm) -> None:
    """A flag that the user sets moves the match, without anything being read."""
    crm.contact(7, PHONE)
    crm.deal(1, day=1, contact_id=7)
    crm.deal(2, day=2, contact_id=7, stage="WON")
    own = crm.own(PHONE)
    crm.link()
    assert crm.found(own)["deal"] == 1
    crm.execute(
        "update bitrix24_pipeline_stages set is_success_stage = false, loaded_at = clock_timestamp()"
        " where status_id = 'WON'"
    )
    crm.link()
    assert crm.found(own)["deal"] == 2


def test_a_deal_is_found_through_the_lead_that_it_was_made_from(crm: Crm) -> None:
    """Its contact is told too, though it has another phone."""
    crm.lead(1, PHONE, status="CONVERTED")
    crm.contact(7, OTHER)
    crm.deal(5, contact_id=7, lead_id=1)
    own = crm.own(PHONE)
    crm.link()
    assert picked(crm.found(own), "lead", "deal", "contact", "kind", "method", "why") == (
        *(1, 5, 7, "deal", "lead_phone", "deal_of_lead"),
    )


def test_only_a_contact_is_a_match_without_a_stage(crm: Crm) -> None:
    """Its deal may come later."""
    crm.contact(7, PHONE)
    own = crm.own(PHONE)
    crm.link()
    assert picked(crm.found(own), "contact", "deal", "kind", "status", "why") == (
        *(7, None, None, None, "only_contact"),
    )
    crm.deal(1, contact_id=7)
    assert crm.link() == Linked(looked_at=1, linked=0, updated=1)
    assert picked(crm.found(own), "deal", "why") == (1, "newest_open_deal")


def test_any_phone_of_either_side_counts(crm: Crm) -> None:
    """Two in one field of the own lead, several of a contact."""
    crm.contact(7, "+49 30 901820", OTHER)
    crm.deal(1, contact_id=7)
    own = crm.own("8-921-123-45-67/8-921-765-43-21")
    crm.link()
    assert picked(crm.found(own), "deal", "matched_phone") == (1, "+79217654321")


@pytest.mark.parametrize(
    ("phone", "reason"),
    [(None, "no_phone"), ("  ", "no_phone"), ("позвоните", "invalid_phone"), (OTHER, "not_found")],
)
def test_why_nothing_matched_is_told(crm: Crm, phone: str | None, reason: str) -> None:
    """Once; looking again changes nothing."""
    crm.lead(1, PHONE)
    crm.contact(1, PHONE)
    own = crm.own(phone)
    assert crm.link() == Linked(looked_at=1, linked=0, updated=0)
    found = crm.found(own)
    assert picked(found, "reason", "method", "lead", "deal", "matched_at") == (reason, *[None] * 4)
    assert crm.link() == Linked()


def test_templates_and_deleted_ones_are_no_match(crm: Crm) -> None:
    """Nor are the leads and contacts of another portal."""
    crm.contact(7, PHONE)
    crm.deal(1, contact_id=7, is_recurring=True)
    crm.deal(2, contact_id=7, deleted_at="2026-04-01")
    crm.lead(3, PHONE, deleted_at="2026-04-01")
    Crm(crm.warehouse, "globex").lead(4, PHONE)
    own = crm.own(PHONE)
    crm.link()
    assert picked(crm.found(own), "lead", "deal", "contact") == (None, None, 7)


def test_a_deleted_deal_frees_the_match(crm: Crm) -> None:
    """The next best takes its place; in the end it is not found, and when it is back it is matched."""
    crm.contact(7, PHONE)
    crm.deal(1, day=1, contact_id=7)
    crm.deal(2, day=2, contact_id=7)
    own = crm.own(PHONE)
    crm.link()
    crm.delete("bitrix24_deals", 2)
    crm.link()
    assert picked(crm.found(own), "deal", "status") == (1, "NEW")
    crm.delete("bitrix24_deals", 1)
    crm.delete("bitrix24_contacts", 7)
    crm.link()
    assert picked(crm.found(own), "deal", "contact", "kind", "status", "reason", "matched_at") == (
        *(None, None, None, None, "not_found", None),
    )
    crm.contact(7, PHONE)
    crm.execute("update bitrix24_contacts set deleted_at = null, loaded_at = clock_timestamp()")
    assert crm.link().linked == 1
    assert crm.found(own)["contact"] == 7


def test_the_stage_follows(crm: Crm) -> None:
    """Of the deal, and of the lead where there is no deal."""
    crm.lead(1, PHONE)
    crm.contact(7, OTHER)
    crm.deal(2, contact_id=7)
    by_lead, by_deal = crm.own(PHONE), crm.own(OTHER)
    crm.link()
    before = crm.found(by_deal)["matched_at"]
    crm.lead(1, PHONE, status="IN_PROCESS")
    crm.deal(2, stage="LOSE", contact_id=7)
    assert crm.link() == Linked(looked_at=2, linked=0, updated=2)
    assert crm.found(by_lead)["status"] == "IN_PROCESS"
    assert picked(crm.found(by_deal), "status", "matched_at") == ("LOSE", before)


def test_a_changed_phone_moves_the_match(crm: Crm) -> None:
    """On either side, whoever changed it."""
    crm.lead(1, PHONE)
    crm.lead(2, OTHER)
    own = crm.own(PHONE)
    crm.link()
    crm.execute("update leads set phone = %s", OTHER)
    assert crm.link() == Linked(looked_at=1, linked=0, updated=1)
    assert crm.found(own)["lead"] == 2
    crm.lead(2, "+49 30 901820")
    crm.link()
    assert picked(crm.found(own), "lead", "reason") == (None, "not_found")
    crm.lead(3, OTHER, day=5)
    crm.link()
    assert crm.found(own)["lead"] == 3


def test_the_deal_of_another_contact_is_let_go(crm: Crm) -> None:
    """A deal that a manager gave to somebody else is that person's."""
    crm.contact(7, PHONE)
    crm.contact(8, OTHER)
    crm.deal(1, contact_id=7)
    first, second = crm.own(PHONE), crm.own(OTHER)
    crm.link()
    assert picked(crm.found(first), "deal", "contact") == (1, 7)
    crm.deal(1, contact_id=8)
    crm.link()
    assert picked(crm.found(first), "deal", "contact") == (None, 7)
    assert picked(crm.found(second), "deal", "contact") == (1, 8)


def test_nothing_new_looks_at_nobody(crm: Crm) -> None:
    """And writes nothing but how far it has come."""
    crm.contact(7, PHONE)
    crm.deal(1, contact_id=7)
    crm.own(PHONE)
    crm.link()
    before = fetch(crm.warehouse, "select l.xmin::text, m.xmin::text as m, l.* from leads l, lead_matches m")
    assert crm.link() == Linked()
    assert crm.link() == Linked()
    assert (
        fetch(crm.warehouse, "select l.xmin::text, m.xmin::text as m, l.* from leads l, lead_matches m")
        == before
    )


def test_without_own_leads_no_phone_is_read(crm: Crm) -> None:
    """The index begins with the first own lead, and then has all."""
    crm.contact(7, PHONE)
    crm.link()
    assert fetch(crm.warehouse, "select * from bitrix24_phones") == []
    crm.own(OTHER)
    crm.link()
    assert [row["phone"] for row in fetch(crm.warehouse, "select phone from bitrix24_phones")] == [
        "+79211234567"
    ]


def test_what_is_committed_late_is_not_missed(crm: Crm, database_url: str) -> None:
    """A row stamped before our reading and committed after it is read the next time."""
    crm.contact(7, PHONE)
    own = crm.own(PHONE)
    with psycopg.connect(database_url) as slow:
        slow.execute(
            "insert into bitrix24_deals (user_account_id, id, category_id, stage_id, contact_id, date_create)"
            " values (%s, 1, 0, 'NEW', 7, now())",
            (crm.portal.id,),
        )
        crm.link()
        crm.link()
        assert crm.found(own)["deal"] is None
        slow.commit()
    crm.link()
    assert crm.found(own)["deal"] == 1


@pytest.mark.parametrize(
    ("counted", "expected"),
    [("both", (1, 5, "deal")), ("deal", (None, 5, "deal")), ("lead", (1, None, "lead"))],
)
def test_what_the_portal_counts_decides(
    crm: Crm, counted: str, expected: tuple[int | None, int | None, str]
) -> None:
    """And a changed setting matches everything anew, there and back."""
    crm.lead(1, PHONE)
    crm.contact(7, PHONE)
    crm.deal(5, contact_id=7)
    own = crm.own(PHONE)
    for setting in ("both", counted, "lead", "deal", counted):
        crm.execute("update user_accounts set bitrix24_entity_type = %s", setting)
        crm.link()
    assert picked(crm.found(own), "lead", "deal", "kind") == expected


def test_two_processes_at_once_do_not_meet(crm: Crm) -> None:
    """The second waits, and finds nothing left."""
    for number in range(50):
        crm.contact(number, f"+7921{number:07}")
        crm.own(f"8921{number:07}")
    done: list[Linked] = []
    threads = [threading.Thread(target=lambda: done.append(crm.link())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(one.linked for one in done) == 50
    assert len(done) == 4


def test_a_phone_that_thousands_share_is_matched_too(crm: Crm) -> None:
    """Their number is no limit, and the evidence stays short."""
    crm.execute(
        "insert into bitrix24_contacts (user_account_id, id, date_create, phones)"
        " select %s, n, now() - n * interval '1 minute', '[{\"VALUE\": \"+79211234567\"}]'"
        " from generate_series(1, %s) as n",
        crm.portal.id,
        MANY + 1,
    )
    crm.execute(
        "insert into leads (user_account_id, phone) select %s, %s from generate_series(1, %s)",
        crm.portal.id,
        PHONE,
        MANY + 1,
    )
    own = crm.own(PHONE)
    assert crm.link().linked == MANY + 2
    found = crm.found(own)
    assert found["contact"] == 1
    assert [one["id"] for one in found["candidates"]] == list(range(1, 21))
    crm.deal(1, contact_id=1)
    assert crm.link().updated == MANY + 2
    crm.execute(
        "update bitrix24_contacts set deleted_at = now(), loaded_at = clock_timestamp() where id <= %s", MANY
    )
    assert crm.link().updated == MANY + 2
    assert crm.found(own)["contact"] == MANY + 1


PHONES = ["+79211234567", "8 921 765-43-21", "+49 30 901820"]
WRITTEN = st.lists(st.sampled_from(PHONES), max_size=2)
STEP = st.one_of(
    st.tuples(st.just("lead"), st.integers(1, 3), WRITTEN, st.integers(0, 3)),
    st.tuples(st.just("contact"), st.integers(1, 3), WRITTEN, st.integers(0, 3)),
    st.tuples(
        st.just("deal"),
        st.integers(1, 4),
        st.integers(0, 3),
        st.integers(0, 3),
        st.sampled_from(["NEW", "WON"]),
    ),
    st.tuples(st.just("delete"), st.sampled_from(["leads", "contacts", "deals"]), st.integers(1, 4)),
    st.tuples(st.just("own"), WRITTEN),
    st.tuples(st.just("phone"), WRITTEN),
    st.tuples(st.just("link")),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=14))
def test_step_by_step_is_as_all_at_once(server: Any, steps: list[Any]) -> None:
    """Whatever happens in whatever order: following gives what matching everything anew gives."""
    url = server.fresh()
    warehouse = Warehouse(url)
    try:
        crm = Crm(warehouse)
        crm.own(PHONES[0])
        for step in steps:
            do(crm, *step)
        crm.link()
        followed = links_of(crm)
        crm.execute("delete from bitrix24_bookmarks")
        crm.execute("delete from bitrix24_phones")
        crm.execute("delete from lead_matches")
        crm.execute("update leads set phones_of = null")
        crm.link()
        assert followed == links_of(crm)
    finally:
        warehouse.close()
        server.drop(url)


def do(crm: Crm, kind: str, *about: Any) -> None:
    if kind == "link":
        crm.link()
    elif kind == "own":
        crm.own(", ".join(about[0]) or None)
    elif kind == "phone":
        crm.execute(
            "update leads set phone = %s where id = (select min(id::text)::uuid from leads)",
            "/".join(about[0]),
        )
    elif kind == "delete":
        crm.delete(f"bitrix24_{about[0]}", about[1])
    elif kind == "deal":
        number, contact, lead, stage = about
        crm.deal(
            number, day=number, contact_id=contact or None, lead_id=lead or None, stage=stage, deleted_at=None
        )
    else:
        number, phones, day = about
        getattr(crm, kind)(number, *phones, day=day)


def links_of(crm: Crm) -> list[dict[str, Any]]:
    return fetch(
        crm.warehouse,
        "select l.id, l.phones, l.current_status_id, l.current_pipeline_id, l.bitrix24_entity_type,"
        " l.bitrix24_lead_id, l.bitrix24_contact_id, l.bitrix24_deal_id, m.method, m.matched_phone,"
        " m.candidates, m.chosen_because, m.unmatched_reason"
        " from leads l left join lead_matches m on m.lead_id = l.id order by l.id",
    )
