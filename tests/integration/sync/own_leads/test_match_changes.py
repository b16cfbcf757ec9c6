"""Matches follow what changes in the portal, in the own lead and in the settings."""

from __future__ import annotations

import pytest

from b24_pipeline.store.own_leads.matches import Linked
from tests.integration.sync.own_leads.conftest import OTHER, PHONE, picked
from tests.support.data.own_leads import Crm


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
