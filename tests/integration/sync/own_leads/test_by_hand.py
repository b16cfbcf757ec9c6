"""What a person has said that an own lead has become stays so, whatever is matched by phone."""

from __future__ import annotations

from uuid import uuid4

import pytest

from b24_pipeline.errors import UsageError
from b24_pipeline.store.database.acting import acting
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads.links import LinkedTo
from b24_pipeline.sync.own_leads.by_hand import link_by_hand
from tests.support.data.own_leads import Crm
from tests.support.installation import fetch

PHONE = "+79210000001"


@pytest.fixture
def crm(warehouse: Warehouse) -> Crm:
    """A contact with the phone and its deal 1; deal 2 and lead 3 of others."""
    found = Crm(warehouse)
    found.contact(1, PHONE)
    found.contact(2, "+79210000002")
    found.deal(1, contact_id=1)
    found.deal(2, contact_id=2)
    found.lead(3, "+79210000003", contact_id=2)
    return found


def test_a_link_by_hand_is_kept_by_every_matching(crm: Crm) -> None:
    """By whatever changes in the CRM; its stage follows."""
    own = crm.own(PHONE)
    crm.link()
    assert crm.found(own)["deal"] == 1
    link_by_hand(crm.warehouse, crm.portal, own, LinkedTo("deal", 2))
    found = crm.found(own)
    assert (found["deal"], found["contact"], found["method"], found["why"], found["reason"]) == (
        2,
        2,
        "by_hand",
        "by_hand",
        None,
    )
    assert {"id": 1, "type": "deal"} in found["candidates"]
    crm.deal(1, stage="WON", contact_id=1)
    crm.deal(2, stage="WON", contact_id=2)
    crm.deal(9, day=5, contact_id=1)
    crm.link()
    found = crm.found(own)
    assert (found["deal"], found["status"], found["method"]) == (2, "WON", "by_hand")
    crm.execute("update leads set phone = '+79210000003'")
    crm.link()
    assert crm.found(own)["deal"] == 2


def test_a_lead_can_be_linked_too(crm: Crm) -> None:
    """Then it has no deal."""
    own = crm.own(PHONE)
    link_by_hand(crm.warehouse, crm.portal, own, LinkedTo("lead", 3))
    found = crm.found(own)
    assert (found["lead"], found["deal"], found["kind"], found["pipeline"], found["contact"]) == (
        3,
        None,
        "lead",
        0,
        2,
    )
    crm.link()
    assert crm.found(own)["lead"] == 3


def test_an_unlinked_one_stays_unlinked(crm: Crm) -> None:
    """Until the matching is to decide again; the portal is not searched for it."""
    own = crm.own(PHONE)
    crm.link()
    link_by_hand(crm.warehouse, crm.portal, own, "nothing")
    crm.deal(1, stage="WON", contact_id=1)
    crm.link()
    found = crm.found(own)
    assert (found["deal"], found["contact"], found["kind"], found["method"], found["reason"]) == (
        None,
        None,
        None,
        None,
        "by_hand",
    )
    link_by_hand(crm.warehouse, crm.portal, own, "by_phone")
    found = crm.found(own)
    assert (found["deal"], found["method"], found["reason"]) == (1, "contact_phone", None)


def test_a_deleted_deal_makes_room_until_it_is_back(crm: Crm) -> None:
    """Then what was said counts again."""
    own = crm.own(PHONE)
    crm.link()
    link_by_hand(crm.warehouse, crm.portal, own, LinkedTo("deal", 2))
    crm.delete("bitrix24_deals", 2)
    crm.link()
    assert (crm.found(own)["deal"], crm.found(own)["method"]) == (1, "contact_phone")
    crm.deal(2, contact_id=2, deleted_at=None)
    crm.link()
    assert (crm.found(own)["deal"], crm.found(own)["method"]) == (2, "by_hand")


def test_what_is_not_there_is_no_link(crm: Crm) -> None:
    """Neither a deal nor an own lead; nothing changes."""
    own = crm.own(PHONE)
    crm.link()
    before = crm.found(own)
    for entity in (LinkedTo("deal", 77), LinkedTo("lead", 1), LinkedTo("deal", 10**30)):
        with pytest.raises(UsageError, match="the copy has no"):
            link_by_hand(crm.warehouse, crm.portal, own, entity)
    with pytest.raises(UsageError, match="no such own lead"):
        link_by_hand(crm.warehouse, crm.portal, uuid4(), "nothing")
    assert crm.found(own) == before


def test_who_has_linked_it_is_in_the_audit(crm: Crm) -> None:
    """Each change with what it was before; deleting the own lead is none."""
    own = crm.own(PHONE)
    with acting("Maria"):
        link_by_hand(crm.warehouse, crm.portal, own, LinkedTo("deal", 2))
        link_by_hand(crm.warehouse, crm.portal, own, LinkedTo("deal", 2))
        link_by_hand(crm.warehouse, crm.portal, own, "nothing")
        link_by_hand(crm.warehouse, crm.portal, own, "by_phone")
    link_by_hand(crm.warehouse, crm.portal, own, LinkedTo("deal", 2))
    crm.execute("delete from leads")
    noted = fetch(
        crm.warehouse,
        "select changed_by, subject, before, after from bitrix24_audit where what = 'own lead link' order by id",
    )
    assert {row["subject"] for row in noted} == {str(own)}
    assert [row["changed_by"] for row in noted] == ["Maria", "Maria", "Maria", "pipeline"]
    deal, nothing = {"type": "deal", "id": 2}, {"type": None, "id": None}
    assert [(row["before"], row["after"]) for row in noted] == [
        (None, deal),
        (deal, nothing),
        (nothing, None),
        (None, deal),
    ]
