"""Series of random changes."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.controls.changes import KINDS as KINDS_OF_CHANGE
from b24_pipeline.sandbox.controls.changes import Changes
from b24_pipeline.sandbox.controls.truth import Truth
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


EVERYTHING: dict[str, Any] = {
    "leads": 150, "deals": 200, "smart_types": 3, "smart_items": 80, "invoices": 60, "quotes": 60, "activities": 200,
    "calls": 90, "product_rows": 200, "products": 60, "tasks": 80, "requisites": 60, "comments": 120,
}  # fmt: skip
DIE_WITH_OTHERS = {"product_row", "comment"}


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_a_thousand_changes_over_all_entities_are_what_they_report(seed: int) -> None:
    """Exactly the reported elements differ; rows and comments may go, unreported, with what they belong to."""
    portal = PortalState(SandboxConfig(seed=seed, **EVERYTHING))
    truth = Truth(portal)
    before = {name: {key(row): row for row in truth.raw(name)} for name in portal.entities}
    kinds = [kind for kind in KINDS_OF_CHANGE if kind != "phone"]
    report = Changes(portal, seed, distinct=False).make(1000, kinds).as_dict()
    touched = 0
    for name in portal.entities:
        after = {key(row): row for row in truth.raw(name)}
        stayed = before[name].keys() & after.keys()
        changed = {number for number in stayed if before[name][number] != after[number]}
        added, deleted = after.keys() - before[name].keys(), before[name].keys() - after.keys()
        assert changed <= set(report["changed"][name])
        assert added <= set(report["added"][name])
        assert deleted >= set(report["deleted"][name]) & before[name].keys()
        assert name in DIE_WITH_OTHERS or deleted <= set(report["deleted"][name])
        touched += len(changed) + len(added) + len(deleted)
    assert touched > 500


def key(row: dict[str, Any]) -> int:
    """The id of a row, however it is spelt."""
    return int(row["ID"] if "ID" in row else row["id"])
