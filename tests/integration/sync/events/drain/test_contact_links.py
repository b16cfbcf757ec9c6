"""A drained lead, deal or company brings its contacts, in the same request and transaction."""

from __future__ import annotations

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.controls.faults import Fault
from b24_pipeline.store.crm.contact_links import NAME, OWNER_TYPES
from b24_pipeline.store.database.locks import held
from b24_pipeline.store.portals.portal import Portal
from tests.integration.sync.crm.test_contact_links import LISTS, assert_equal, expected, some, stored
from tests.integration.sync.events.drain.conftest import drained, ids, land
from tests.support.installation import Installation, worked


def test_contacts_come_with_their_owners(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """With one request, also where nothing in the owner's row tells of the change."""
    contacts = [some(sandbox, "contact", place) for place in (2, 0, 1)]
    for entity_type in OWNER_TYPES:
        number = some(sandbox, entity_type)
        sandbox.set_contacts(entity_type, number, contacts, touched=False)
        land(installation, portal, (f"ONCRM{entity_type.upper()}UPDATE", number))
    outcome = drained(installation)["contact_link"]
    assert sandbox.stats.requests == 1
    assert outcome.rows_changed >= 7
    assert_equal(installation, sandbox)
    sandbox.set_contacts("deal", some(sandbox, "deal"), contacts[:1], touched=False)
    land(installation, portal, ("ONCRMDEALUPDATE", some(sandbox, "deal")))
    assert drained(installation)["contact_link"].rows_deleted == 2
    assert_equal(installation, sandbox)


def test_a_whole_chunk_of_owners(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """Deleted ones among them, whose links stay as they were and count no more."""
    deals = ids(sandbox)
    before = stored(installation, "deal")
    sandbox.delete("deal", deals[0])
    for number in deals[1:]:
        sandbox.set_contacts("deal", number, [some(sandbox, "contact")])
    land(installation, portal, *[("ONCRMDEALUPDATE", number) for number in deals])
    drained(installation)
    kept = {deals[0]: before[deals[0]]} if deals[0] in before else {}
    assert stored(installation, "deal") == expected(sandbox, "deal") | kept


def test_what_cannot_be_read_is_left_to_the_next_sync(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """The rows are stored and the events done all the same."""
    deal, contacts = some(sandbox, "deal"), [some(sandbox, "contact", place) for place in (0, 1)]
    sandbox.set_contacts("deal", deal, contacts, touched=False)
    sandbox.faults.add(Fault("command_error", LISTS, error="QUERY_LIMIT_EXCEEDED", status=503))
    land(installation, portal, ("ONCRMDEALUPDATE", deal))
    assert drained(installation)["deal"].rows_read == 1
    sandbox.faults.clear()
    worked(installation.sync(portal))
    assert_equal(installation, sandbox)


def test_a_sync_that_reads_at_the_same_time_has_the_last_word(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """It may store what it saw before the drain: so the next sync reads these owners again."""
    worked(installation.sync(portal))
    deal, contacts = some(sandbox, "deal"), [some(sandbox, "contact", place) for place in (0, 1)]
    land(installation, portal, ("ONCRMDEALUPDATE", deal))
    with held(installation.warehouse, f"{portal.id} {NAME}", wait_seconds=0) as got:
        assert got
        drained(installation)
    sandbox.set_contacts("deal", deal, contacts, touched=False)
    worked(installation.sync(portal))
    assert_equal(installation, sandbox)
