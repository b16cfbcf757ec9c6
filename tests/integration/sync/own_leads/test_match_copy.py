"""Own ad leads matched within the copy: the rules."""

from __future__ import annotations

import pytest

from b24_pipeline.store.own_leads.matches import Linked
from b24_pipeline.sync.derived import DERIVED_UPDATES
from b24_pipeline.sync.own_leads.match_copy import link_own_leads
from tests.integration.sync.own_leads.conftest import OTHER, PHONE, picked
from tests.support.data.own_leads import Crm


def test_it_runs_after_every_sync_and_drain() -> None:
    """It is one of the updates of what is derived from the copy."""
    assert link_own_leads in DERIVED_UPDATES


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


def test_a_mobile_digit_makes_no_other_number(crm: Crm) -> None:
    """Mexico's mobile 1 may stand in the CRM and not in the own lead, or in both."""
    crm.lead(1, "+52 1 55 4163 7146")
    crm.lead(2, "+999 123 456 789 012")
    owns = [crm.own("+525541637146"), crm.own("+5215541637146"), crm.own("+999123456789012")]
    crm.link()
    assert [crm.found(own)["lead"] for own in owns] == [1, 1, 2]


def test_a_phone_in_exponent_form_belongs_to_nobody(crm: Crm) -> None:
    """Neither of the CRM nor of an own lead that another program has stored."""
    crm.lead(1, "7.9211234567E+10")
    crm.lead(2, PHONE)
    (by_number, damaged) = crm.own(PHONE), crm.own("7,9211234567E+10")
    crm.link()
    assert crm.found(by_number)["lead"] == 2
    assert picked(crm.found(damaged), "lead", "reason") == (None, "invalid_phone")


@pytest.mark.parametrize("beside", [False, True])
def test_phones_that_an_earlier_version_has_read_are_read_again(crm: Crm, beside: bool) -> None:
    """Of the CRM and of own leads, whose wrong links go; again if a process of that version still runs beside ours."""
    crm.lead(1, "7.9211234567E+10")
    crm.lead(2, "+52 1 55 4163 7146")
    damaged, mexican = crm.own("7,9211234567E+10"), crm.own("+5215541637146")
    crm.link()
    if beside:
        crm.execute(
            "insert into bitrix24_bookmarks (user_account_id, reader, loaded_upto) values (%s, 'phones', now())",
            crm.portal.id,
        )
    else:
        crm.execute("update bitrix24_bookmarks set reader = 'phones' where starts_with(reader, 'phones')")
    crm.execute("delete from bitrix24_phones")
    crm.execute(
        "insert into bitrix24_phones (user_account_id, entity_type, entity_id, phone)"
        " values (%s, 'lead', 1, '+79211234567')",
        crm.portal.id,
    )
    crm.execute("update leads set phones = '{+79211234567}', bitrix24_lead_id = 1 where phone like '7,92%%'")
    crm.execute("update leads set phones = '{}', bitrix24_lead_id = null where phone like '+52%%'")
    assert crm.link().looked_at == 2
    assert picked(crm.found(damaged), "lead", "phones") == (None, [])
    assert picked(crm.found(mexican), "lead", "phones") == (2, ["+525541637146"])
    assert crm.link() == Linked()
