"""All contacts of leads, deals and companies, through real syncs with a sandbox."""

from __future__ import annotations

from time import sleep
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.controls.faults import Fault
from b24_pipeline.store.crm.contact_links import OWNER_TYPES
from b24_pipeline.sync.crm import contact_links, contact_lists
from b24_pipeline.sync.crm.contact_links import sync_contact_links
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import reconcile_portals
from tests.support.installation import Installation, worked

LISTS = "crm.item.list"


def stored(installation: Installation, entity_type: str) -> dict[int, list[int]]:
    """The contacts of each owner, in order."""
    found: dict[int, list[int]] = {}
    for row in installation.rows(
        "select entity_id, contact_id from bitrix24_contact_links"
        " where entity_type = %s and deleted_at is null order by entity_id, sort nulls first, contact_id",
        entity_type,
    ):
        found.setdefault(row["entity_id"], []).append(row["contact_id"])
    return found


def expected(sandbox: Sandbox, entity_type: str) -> dict[int, list[int]]:
    return {number: ids for number, ids in sandbox.truth.contacts(entity_type).items() if ids}


def assert_equal(installation: Installation, sandbox: Sandbox) -> None:
    for entity_type in OWNER_TYPES:
        assert stored(installation, entity_type) == expected(sandbox, entity_type), entity_type


def commands(sandbox: Sandbox, method: str) -> int:
    return sum(record.methods.count(method) for record in sandbox.requests)


def some(sandbox: Sandbox, entity_type: str, place: int = 0) -> int:
    return int(sandbox.truth.entities(entity_type)["ID"].iloc[place])


def test_all_contacts_are_read(installation: Installation, sandbox: Sandbox) -> None:
    """In the portal's order, and the main one of a lead or deal is marked."""
    portal = installation.add(sandbox)
    outcome = worked(installation.sync(portal))["contact_link"]
    assert_equal(installation, sandbox)
    assert any(len(ids) > 1 for ids in stored(installation, "deal").values())
    assert outcome.rows_changed == outcome.rows_read > 0
    main = installation.rows(
        "select d.id, d.contact_id, l.contact_id as linked, l.sort from bitrix24_deals d"
        " left join bitrix24_contact_links l on l.entity_type = 'deal' and l.entity_id = d.id and l.is_primary"
    )
    assert all(row["contact_id"] == row["linked"] for row in main)
    assert {row["sort"] for row in main if row["linked"]} == {10}
    assert not installation.rows(
        "select from bitrix24_contact_links where entity_type = 'company' and is_primary"
    )


def test_nothing_new_costs_no_request(installation: Installation, sandbox: Sandbox) -> None:
    """And one change costs one command, and another as long as it may go on in the same second."""
    portal = installation.add(sandbox)
    installation.sync(portal)
    installation.sync(portal)
    sandbox.reset_stats()
    assert worked(installation.sync(portal))["contact_link"].requests == 0
    assert commands(sandbox, LISTS) == 0
    sandbox.update("deal", some(sandbox, "deal"), {"TITLE": "other"})
    sleep(contact_links.STILL_CHANGING.total_seconds() + 1)
    assert worked(installation.sync(portal))["contact_link"].requests == 1
    assert commands(sandbox, LISTS) == 1
    installation.sync(portal)
    sandbox.reset_stats()
    assert worked(installation.sync(portal))["contact_link"].requests == 0


def test_changes_are_followed(installation: Installation, sandbox: Sandbox) -> None:
    """Contacts that were added, removed, or made the main one; a removed one may come back."""
    portal = installation.add(sandbox)
    installation.sync(portal)
    first, second, third = (some(sandbox, "contact", place) for place in range(3))
    deal, company = some(sandbox, "deal"), some(sandbox, "company")
    for contacts in ([first, second], [second, first, third], [third], [], [first, third]):
        sandbox.set_contacts("deal", deal, contacts)
        sandbox.set_contacts("company", company, contacts)
        worked(installation.sync(portal))
        assert stored(installation, "deal").get(deal, []) == contacts
        assert_equal(installation, sandbox)


def test_what_leaves_no_trace_is_found_by_a_whole_comparison(
    installation: Installation, sandbox: Sandbox
) -> None:
    """Or by a full sync: a write of contacts may leave the owner's DATE_MODIFY as it is."""
    portal = installation.add(sandbox)
    installation.sync(portal)
    deal, contacts = some(sandbox, "deal"), [some(sandbox, "contact", place) for place in (0, 1)]
    sandbox.set_contacts("deal", deal, contacts, touched=False)
    reconcile_portals(installation.connections, [portal], Options(), whole=True)
    assert_equal(installation, sandbox)
    sandbox.set_contacts("company", some(sandbox, "company"), contacts, touched=False)
    assert worked(installation.sync(portal, full=True))["contact_link"].rows_read > 100
    assert_equal(installation, sandbox)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("command_error", LISTS, error="ACCESS_DENIED", description="Access denied", status=403),
        Fault(
            "command_error",
            LISTS,
            error="ERROR_METHOD_NOT_FOUND",
            description="Method not found!",
            status=404,
        ),
        Fault("mutate", LISTS, ids=tuple(range(1, 5000)), field="contactIds", value=None),
    ],
)
def test_without_lists_each_owner_is_asked_for(
    installation: Installation, sandbox: Sandbox, fault: Fault
) -> None:
    """Refused, unknown to an old portal, or without the field: the contacts are the same."""
    portal = installation.add(sandbox)
    sandbox.faults.add(fault)
    worked(installation.sync(portal))
    assert_equal(installation, sandbox)
    assert commands(sandbox, "crm.deal.contact.items.get") == len(sandbox.truth.entities("deal"))


def test_where_nothing_is_told_the_main_contacts_are_known(
    installation: Installation, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One note for each type says so, nothing fails, and contacts that were known stay."""
    notes: list[str] = []
    monkeypatch.setattr(
        contact_lists.log, "warning", lambda note, **_about: notes.append(note), raising=False
    )
    portal = installation.add(sandbox)
    for method in (LISTS, *(f"crm.{name}.contact.items.get" for name in OWNER_TYPES)):
        sandbox.faults.add(Fault("command_error", method, error="ACCESS_DENIED", status=403))
    worked(installation.sync(portal))
    deals = {number: ids[:1] for number, ids in expected(sandbox, "deal").items()}
    assert stored(installation, "deal") == deals
    assert stored(installation, "company") == {}
    assert notes.count("only main contacts are known") == len(OWNER_TYPES)
    assert commands(sandbox, "crm.deal.contact.items.get") <= 50
    sandbox.faults.clear()
    worked(installation.sync(portal, full=True))
    assert_equal(installation, sandbox)
    deal = next(number for number, ids in expected(sandbox, "deal").items() if len(ids) > 1)
    other = some(sandbox, "contact")
    kept = expected(sandbox, "deal")[deal][1:]
    for method in (LISTS, "crm.deal.contact.items.get"):
        sandbox.faults.add(Fault("command_error", method, error="ACCESS_DENIED", status=403))
    sandbox.update("deal", deal, {"CONTACT_ID": other})
    worked(installation.sync(portal))
    assert sorted(stored(installation, "deal")[deal]) == sorted({other, *kept})


def test_one_owner_that_cannot_be_read_stops_no_other(installation: Installation, sandbox: Sandbox) -> None:
    """Its main contact is known from its row."""
    portal = installation.add(sandbox)
    deal = next(number for number, ids in expected(sandbox, "deal").items() if len(ids) > 1)
    sandbox.faults.add(Fault("command_error", LISTS, error="INTERNAL_SERVER_ERROR", status=500))
    sandbox.faults.add(Fault("command_error", "crm.deal.contact.items.get", ids=(deal,), status=500))
    worked(installation.sync(portal))
    assert stored(installation, "deal") == expected(sandbox, "deal") | {
        deal: expected(sandbox, "deal")[deal][:1]
    }


def test_a_kill_loses_and_doubles_nothing(
    installation: Installation, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next sync goes on behind the last commit."""
    monkeypatch.setattr(contact_links, "OWNERS_AT_ONCE", 20)
    portal = installation.add(sandbox)
    installation.sync(portal, entities=("lead", "deal", "contact", "company"))
    sandbox.reset_stats()
    kept, calls = contact_links._store, iter(range(100))

    def killed(*about: Any) -> Any:
        done = kept(*about)
        if next(calls) == 1:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(contact_links, "_store", killed)
    with installation.job(portal) as job, pytest.raises(KeyboardInterrupt):
        sync_contact_links(job, anew=True)
    sandbox.reset_stats()
    with installation.job(portal) as job:
        (outcome,) = sync_contact_links(job)
    assert outcome.worked
    assert commands(sandbox, LISTS) == 4  # of sixty leads and deals each, twenty were committed before
    assert_equal(installation, sandbox)
