"""The contacts of leads, deals and companies as a portal tells them (docs/bitrix24-rest.md, section 6.10)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.integration.sandbox.conftest import Caller


@pytest.fixture
def own() -> Iterator[Caller]:
    """A portal that this test may change."""
    with Sandbox(SandboxConfig(leads=40, deals=40)) as sandbox:
        yield Caller(sandbox)


def test_generated_deals_have_several_contacts(own: Caller) -> None:
    """Some of them; the row names the first one alone, and a company's row none."""
    truth = own.sandbox.truth
    several = {number: ids for number, ids in truth.contacts("deal").items() if len(ids) > 1}
    assert several
    rows = truth.entities("deal").set_index("ID")
    assert all(rows.loc[number, "CONTACT_ID"] == ids[0] for number, ids in several.items())
    assert any(truth.contacts("company").values())


def test_items_tell_all_contacts_and_nothing_more(own: Caller) -> None:
    """Where they are selected by name: ids alone; classic lists never tell them."""
    deals = own.sandbox.truth.contacts("deal")
    wanted = [number for number, ids in deals.items() if ids][:3]
    select = ["id", "contactIds"]
    items = own.result(
        "crm.item.list", entityTypeId=2, select=select, filter={"@id": wanted}, order={"id": "ASC"}, start=-1
    )["items"]
    assert items == [{"id": number, "contactIds": deals[number]} for number in wanted]
    contact = own.result("crm.item.list", entityTypeId=3, select=select)["items"][0]
    assert list(contact) == ["id"]
    assert "CONTACT_IDS" not in own.result("crm.deal.list", select=["*", "UF_*"])[0]


def test_contacts_of_one_owner_have_an_order_and_a_main_one(own: Caller) -> None:
    """Whoever is missing is not found."""
    contacts = sorted(own.sandbox.truth.entities("contact")["ID"])[:3]
    deal = own.sandbox.add("deal", {"TITLE": "x"})
    own.sandbox.set_contacts("deal", deal, contacts)
    assert own.result("crm.deal.contact.items.get", id=deal) == [
        {"CONTACT_ID": contact, "SORT": 10 * place, "ROLE_ID": 0, "IS_PRIMARY": "Y" if place == 1 else "N"}
        for place, contact in enumerate(contacts, 1)
    ]
    own.sandbox.delete("contact", contacts[2])
    assert len(own.result("crm.deal.contact.items.get", id=deal)) == 2
    assert own("crm.lead.contact.items.get", id=10**6)[0] == 400


def test_contacts_may_change_without_a_trace_in_the_row(own: Caller) -> None:
    """Neither DATE_MODIFY nor an event tells of it."""
    company = int(own.sandbox.truth.entities("company")["ID"].iloc[0])
    contact = int(own.sandbox.truth.entities("contact")["ID"].iloc[0])
    before = own.result("crm.company.get", id=company)
    own.sandbox.set_contacts("company", company, [contact], touched=False)
    assert own.result("crm.company.get", id=company) == before
    assert [one["CONTACT_ID"] for one in own.result("crm.company.contact.items.get", id=company)] == [contact]
