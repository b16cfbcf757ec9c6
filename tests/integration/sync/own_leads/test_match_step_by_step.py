"""Matching step by step gives the same as matching all at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.data.own_leads import Crm
from tests.support.installation import fetch

PHONES = ["+79211234567", "8 921 765-43-21", "+49 30 901820"]
WRITTEN = st.lists(st.sampled_from(PHONES), max_size=2)
STEP = st.one_of(
    st.tuples(st.just("lead"), st.integers(1, 3), WRITTEN, st.integers(0, 3)),
    st.tuples(st.just("contact"), st.integers(1, 3), WRITTEN, st.integers(0, 3)),
    st.tuples(st.just("company"), st.integers(1, 2), WRITTEN, st.integers(0, 3)),
    st.tuples(
        st.just("deal"),
        st.integers(1, 4),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 2),
        st.sampled_from(["NEW", "WON"]),
    ),
    # before or after the owner and the contacts come, and however often
    st.tuples(
        st.just("contacts"),
        st.sampled_from(["lead", "deal"]),
        st.integers(1, 4),
        st.lists(st.integers(1, 3), max_size=3, unique=True),
    ),
    st.tuples(st.just("owner"), st.integers(1, 3), st.integers(0, 3), st.integers(0, 2)),
    st.tuples(
        st.just("delete"), st.sampled_from(["leads", "contacts", "companies", "deals"]), st.integers(1, 4)
    ),
    st.tuples(st.just("own"), WRITTEN),
    st.tuples(st.just("phone"), WRITTEN),
    st.tuples(st.just("link")),
)


# what a deal or a lead names comes after it was linked
NAMED_LATER: list[Any] = [
    ("lead", 2, [PHONES[0]], 0),
    ("deal", 1, 1, 2, 0, "NEW"),
    ("link",),
    ("contact", 1, [], 0),
]
LEAD_LATER: list[Any] = [
    ("contact", 1, [PHONES[0]], 0),
    ("deal", 1, 1, 2, 0, "NEW"),
    ("link",),
    ("lead", 2, [], 0),
]


LINK_BEFORE_ALL: list[Any] = [
    ("contacts", "deal", 1, [2, 1]),
    ("link",),
    ("deal", 1, 2, 0, 0, "NEW"),
    ("link",),
    ("contact", 1, [PHONES[0]], 0),
    ("link",),
    ("contacts", "deal", 1, [2]),
]
# evidence of an own lead that is linked to another deal
NO_CANDIDATE_ANY_MORE: list[Any] = [
    ("contact", 1, [PHONES[0]], 0),
    ("deal", 1, 1, 0, 0, "NEW"),
    ("deal", 2, 1, 0, 0, "NEW"),
    ("link",),
    ("deal", 1, 2, 0, 0, "NEW"),
]
COMPANY_LATER: list[Any] = [
    ("deal", 1, 0, 0, 1, "NEW"),
    ("link",),
    ("company", 1, [PHONES[0]], 0),
    ("link",),
    ("lead", 3, [PHONES[0]], 1),
    ("link",),
    ("delete", "companies", 1),
]


def assert_as_all_at_once(server: Any, steps: list[Any]) -> None:
    """Following these steps one by one gives what matching everything anew gives."""
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


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=14))
@example(NAMED_LATER)
@example(LEAD_LATER)
@example(LINK_BEFORE_ALL)
@example(COMPANY_LATER)
@example(NO_CANDIDATE_ANY_MORE)
def test_step_by_step_is_as_all_at_once(server: Any, steps: list[Any]) -> None:
    """Whatever happens in whatever order."""
    assert_as_all_at_once(server, steps)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=25))
def test_many_steps_are_as_all_at_once(server: Any, steps: list[Any]) -> None:
    """The same for longer lives."""
    assert_as_all_at_once(server, steps)


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
        number, contact, lead, company, stage = about
        names = {"contact_id": contact or None, "lead_id": lead or None, "company_id": company or None}
        crm.deal(number, day=number, stage=stage, deleted_at=None, **names)
    elif kind == "contacts":
        crm.contacts(about[0], about[1], *about[2])
    elif kind == "owner":
        number, contact, company = about
        crm.lead(number, contact_id=contact or None, company_id=company or None, deleted_at=None)
    else:
        number, phones, day = about
        getattr(crm, kind)(number, *phones, day=day)


def links_of(crm: Crm) -> list[dict[str, Any]]:
    return fetch(
        crm.warehouse,
        "select l.id, l.phones, l.current_status_id, l.current_pipeline_id, l.bitrix24_entity_type,"
        " l.bitrix24_lead_id, l.bitrix24_contact_id, l.bitrix24_deal_id, m.method, m.matched_phone,"
        " m.bitrix24_company_id, m.candidates, m.chosen_because, m.unmatched_reason"
        " from leads l left join lead_matches m on m.lead_id = l.id order by l.id",
    )
