"""Own ad leads are matched by all contacts of a lead or deal, and by its company."""

from __future__ import annotations

import pytest

from tests.integration.sync.own_leads.conftest import OTHER, PHONE, picked
from tests.support.data.own_leads import Crm

THIRD = "+49 30 901820"


def test_a_deal_is_found_by_its_second_contact(crm: Crm) -> None:
    """The contact with the phone is the match, not the main one; the deal and its stage are the same for both."""
    crm.contact(7, PHONE)
    crm.contact(8, OTHER)
    crm.deal(1, contact_id=7)
    crm.contacts("deal", 1, 7, 8)
    main, second = crm.own(PHONE), crm.own(OTHER)
    crm.link()
    assert picked(crm.found(main), "deal", "contact", "status", "method") == (1, 7, "NEW", "contact_phone")
    assert picked(crm.found(second), "deal", "contact", "status", "method", "why") == (
        *(1, 8, "NEW", "contact_phone", "newest_open_deal"),
    )


def test_links_may_come_and_go_at_any_time(crm: Crm) -> None:
    """After the deal and the contact; a contact that is removed from the deal is let go."""
    crm.contact(7, OTHER)
    crm.contact(8, PHONE)
    crm.deal(1, contact_id=7)
    own = crm.own(PHONE)
    crm.link()
    assert picked(crm.found(own), "deal", "why") == (None, "only_contact")
    crm.contacts("deal", 1, 7, 8)
    assert crm.link().updated == 1
    assert crm.found(own)["deal"] == 1
    crm.contacts("deal", 1, 7)
    assert crm.link().updated == 1
    assert picked(crm.found(own), "deal", "contact", "why") == (None, 8, "only_contact")
    crm.contacts("deal", 1, 8)
    crm.link()
    assert crm.found(own)["deal"] == 1
    crm.delete("bitrix24_contacts", 8)
    crm.link()
    assert picked(crm.found(own), "deal", "contact", "reason") == (None, None, "not_found")


def test_the_main_contact_is_named_where_several_have_the_phone(crm: Crm) -> None:
    """Of others the one that came first."""
    for number in (6, 7, 8):
        crm.contact(number, PHONE)
    crm.deal(1, contact_id=8)
    crm.contacts("deal", 1, 8, 7, 6)
    own = crm.own(PHONE)
    crm.link()
    assert picked(crm.found(own), "deal", "contact") == (1, 8)
    crm.contact(8, OTHER)
    crm.link()
    assert picked(crm.found(own), "deal", "contact") == (1, 6)


def test_a_lead_is_found_by_its_contacts_and_its_company(crm: Crm) -> None:
    """Where it has no phone of its own."""
    crm.contact(7, PHONE)
    crm.contact(8, OTHER)
    crm.company(9, THIRD)
    crm.lead(1, contact_id=7, company_id=9, status="IN_PROCESS")
    crm.contacts("lead", 1, 7, 8)
    owns = [crm.own(phone) for phone in (PHONE, OTHER, THIRD)]
    crm.link()
    assert [
        picked(crm.found(own), "lead", "contact", "company", "method", "why", "status") for own in owns
    ] == [
        (1, 7, None, "contact_phone", "newest_lead", "IN_PROCESS"),
        (1, 8, None, "contact_phone", "newest_lead", "IN_PROCESS"),
        (1, 7, 9, "company_phone", "newest_lead", "IN_PROCESS"),
    ]


def test_a_deal_is_found_by_its_company(crm: Crm) -> None:
    """With its main contact, if nobody has the phone; without a deal the company alone is known."""
    crm.company(9, PHONE)
    own = crm.own(PHONE)
    crm.link()
    found = crm.found(own)
    assert picked(found, "deal", "contact", "company", "method", "why", "reason") == (
        *(None, None, 9, "company_phone", "only_company", None),
    )
    assert found["candidates"] == [{"id": 9, "type": "company"}]
    crm.contact(7, OTHER)
    crm.deal(1, contact_id=7, company_id=9)
    crm.link()
    assert picked(crm.found(own), "deal", "contact", "company", "method", "why") == (
        *(1, 7, 9, "company_phone", "newest_open_deal"),
    )
    crm.deal(1, contact_id=7, company_id=None)
    crm.link()
    assert picked(crm.found(own), "deal", "why") == (None, "only_company")


def test_what_a_persons_phone_leads_to_counts_before_the_company(crm: Crm) -> None:
    """An open, newer deal of the company may be a colleague's: an older one of the person's own counts, and a lead."""
    crm.company(9, PHONE)
    crm.deal(5, day=9, company_id=9)
    crm.contact(7, PHONE)
    own = crm.own(PHONE)
    crm.link()
    assert picked(crm.found(own), "deal", "contact", "method") == (5, 7, "company_phone")
    crm.lead(3, PHONE, day=2)
    crm.link()
    assert picked(crm.found(own), "deal", "lead", "method") == (None, 3, "lead_phone")
    crm.deal(4, day=1, contact_id=7, stage="WON")
    crm.link()
    assert picked(crm.found(own), "deal", "contact", "company", "method", "why") == (
        *(4, 7, None, "contact_phone", "newest_deal"),
    )


@pytest.mark.parametrize("kind", ["companies", "deals"])
def test_what_is_deleted_does_not_count(crm: Crm, kind: str) -> None:
    """Neither a deleted company nor its deleted deal."""
    crm.company(9, PHONE)
    crm.deal(1, company_id=9)
    own = crm.own(PHONE)
    crm.link()
    assert crm.found(own)["deal"] == 1
    crm.delete(f"bitrix24_{kind}", {"companies": 9, "deals": 1}[kind])
    crm.link()
    assert crm.found(own)["deal"] is None
