"""Matching looks at what is new alone, misses nothing, and does nothing twice."""

from __future__ import annotations

import threading

import psycopg

from b24_pipeline.store.own_leads.matches import MANY, Linked
from tests.integration.sync.own_leads.conftest import OTHER, PHONE
from tests.support.data.own_leads import Crm
from tests.support.installation import fetch


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
