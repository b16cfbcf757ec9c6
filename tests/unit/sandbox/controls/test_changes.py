"""Series of random changes."""

from __future__ import annotations

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.controls.changes import Changes
from b24_pipeline.sandbox.portal import PortalState

KINDS = ("edit", "stage", "add", "phone")


def test_a_portal_without_items_changes_as_it_always_did() -> None:
    """A series is known by its seed: figures measured with it stay comparable."""
    portal = PortalState(SandboxConfig(leads=30, deals=30, seed=3))
    report = Changes(portal, 5, distinct=True).make(12, KINDS)
    assert report.as_dict() == {
        "changed": {"lead": [111, 114, 123, 126, 127, 130], "deal": [17, 40], "contact": [53], "company": []},
        "added": {"lead": [140], "deal": [], "contact": [], "company": [5, 6]},
        "deleted": {"lead": [], "deal": [], "contact": [], "company": []},
    }


def test_smart_processes_change_nothing_of_the_rest() -> None:
    """A portal with them has the same leads, deals, contacts and companies as one without."""
    plain = PortalState(SandboxConfig(leads=30, deals=30, seed=3))
    smart = PortalState(
        SandboxConfig(leads=30, deals=30, seed=3, smart_types=2, smart_items=9, invoices=4, quotes=4)
    )
    for name in ("lead", "deal", "contact", "company"):
        tables = [portal.entities[name].table for portal in (plain, smart)]
        rows = [
            table.page(table.alive_rows(), plain.entities[name].listed_fields()).objects() for table in tables
        ]
        assert rows[0] == rows[1]
