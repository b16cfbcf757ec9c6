"""What people do to a portal in a day's work."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.controls.daily_work import STAGED, DailyWork
from b24_pipeline.sandbox.controls.truth import Truth
from b24_pipeline.sandbox.crm.entity import SEMANTIC_FIELDS, STAGE_FIELDS
from b24_pipeline.sandbox.portal import PortalState

CONFIG = SandboxConfig(leads=300, deals=300, seed=3)
OPEN, WON, LOST = "P", "S", "F"


def rows(truth: Truth, entity_type: str) -> dict[int, dict[str, Any]]:
    """What is true of each element, by its id."""
    return {int(row["ID"]): row for row in truth.raw(entity_type)}


def moves(portal: PortalState) -> Counter[tuple[str, str, str]]:
    """How often which entity type went from which semantics to which, over its whole history; "" is its beginning."""
    found: Counter[tuple[str, str, str]] = Counter()
    for name in STAGED:
        present: dict[int, str] = {}
        for row in Truth(portal).history(name).sort_values("history_id").to_dict("records"):
            owner, semantics = int(row["owner_id"]), str(row["semantics"])
            found[name, present.get(owner, ""), semantics] += 1
            present[owner] = semantics
    return found


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_day_goes_mostly_forward(seed: int) -> None:
    """Of several hundred things most are moves of open ones; more deals are won than opened again, which is rare."""
    portal = PortalState(CONFIG)
    before = moves(portal)
    for number in range(400):  # as the demo does it: one thing by each seed
        DailyWork(portal, seed * 1000 + number).do(1)
    made = moves(portal) - before
    moved = sum(count for (_, came_from, _), count in made.items() if came_from)
    reopened = sum(
        count for (_, came_from, to), count in made.items() if came_from in {WON, LOST} and to == OPEN
    )
    assert moved > 250
    assert reopened < moved * 0.05
    assert made["deal", OPEN, WON] > made["deal", WON, OPEN] + made["deal", LOST, OPEN]
    assert made["lead", OPEN, WON] > made["lead", WON, OPEN] + made["lead", LOST, OPEN]
    assert made["deal", OPEN, LOST] and made["lead", OPEN, LOST]
    assert made["deal", "", OPEN] and made["lead", "", OPEN]
    assert not any(count for (_, came_from, to), count in made.items() if {came_from, to} == {WON, LOST})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_what_it_reports_and_nothing_contradicts_itself(seed: int) -> None:
    """Exactly the reported elements differ, and each stands where its last move has left it."""
    portal = PortalState(CONFIG)
    truth = Truth(portal)
    before = {name: rows(truth, name) for name in portal.entities}
    report = DailyWork(portal, seed).do(300).as_dict()
    for name in portal.entities:
        after, known = rows(truth, name), before[name]
        changed = sorted(number for number in known if after[number] != known[number])
        assert changed == report["changed"].get(name, [])
        assert sorted(after.keys() - known.keys()) == report["added"].get(name, [])
        assert not known.keys() - after.keys()
    for name in STAGED:
        after = rows(truth, name)
        told = truth.history(name).sort_values("history_id").to_dict("records")
        last = {int(row["owner_id"]): row["stage_id"] for row in told}
        assert {number: row[STAGE_FIELDS[name]] for number, row in after.items()} == last
        for row in after.values():
            stage = portal.directories.semantics(name, row[STAGE_FIELDS[name]])
            assert row[SEMANTIC_FIELDS[name]] == stage
            if name == "deal":
                assert row["CLOSED"] == ("N" if stage == OPEN else "Y")


def test_work_goes_on_where_nothing_is_open() -> None:
    """A new one comes; also a portal without a single element begins so."""
    portal = PortalState(SandboxConfig(leads=0, deals=0, seed=3))
    report = DailyWork(portal, 1).do(30)
    assert report.added["lead"] | report.added["deal"]
    assert moves(portal).total() > 20


def test_work_does_not_run_out() -> None:
    """After a night of the demo there is about as much open as in its evening."""
    portal = PortalState(CONFIG)

    def opened() -> int:
        return sum(row[SEMANTIC_FIELDS[name]] == OPEN for name in STAGED for row in Truth(portal).raw(name))

    evening = opened()
    DailyWork(portal, 1).do(3000)
    assert 0.4 * evening < opened() < 2.5 * evening


def test_templates_of_recurring_deals_stay_where_they_are() -> None:
    """Nobody works on them."""
    portal = PortalState(SandboxConfig(leads=0, deals=900, seed=3))
    truth = Truth(portal)
    before = {number: row for number, row in rows(truth, "deal").items() if row["IS_RECURRING"] == "Y"}
    assert before
    DailyWork(portal, 1).do(2000)
    after = rows(truth, "deal")
    assert {number: after[number] for number in before} == before
