"""Stages of more rows than one check reads: compared by turns, and searched by counts."""

from __future__ import annotations

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks import id_search, stage_search, turns
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import reconcile_portals
from tests.integration.sync.checks.conftest import (
    Key,
    check,
    decimals,
    last,
    requests_of_last,
    sums,
    there,
    unequal,
)
from tests.support.installation import Installation, execute


def test_large_stages_are_compared_by_turns(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts alone do not show a wrong amount; some rows a check do, and none is left out in the end."""
    monkeypatch.setattr(turns, "LEAST_ROWS", 200)
    wrong = [max(rows) for rows in there(larger).values() if len(rows) > 100]
    assert len(wrong) > 1
    execute(
        installation.warehouse,
        "update bitrix24_leads set opportunity = coalesce(opportunity, 0) + 1 where id = any(%s)",
        wrong,
    )
    named: list[int] = []
    for _ in range(40):
        check(installation, large)
        rows = last(installation).values()
        assert requests_of_last(installation) <= 4
        assert sum(row["rows_compared"] for row in rows) <= 200
        assert {row["portal_amounts"] is None for row in rows} == {True, False}
        named += [number for row in rows for number in row["differing_ids"]]
        if len(named) == len(wrong):
            break
    assert sorted(named) == sorted(wrong)
    check(installation, large, whole=True)
    assert unequal(installation) == {}


def test_large_stage_that_fits_is_summed_when_its_turn_comes(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest unread first; a whole comparison sums every stage at once."""
    monkeypatch.setattr(turns, "LEAST_ROWS", 1_000)
    people = there(larger)
    expected = {key for key, rows in people.items() if len(rows) > 50}
    summed: set[Key] = set()
    for _ in range(5):
        check(installation, large)
        found = {key: row for key, row in last(installation).items() if row["portal_amounts"] is not None}
        for key, row in found.items():
            assert decimals(row["portal_amounts"]) == sums(people.get(key, {}))
        summed |= found.keys() & expected
    assert summed == expected
    check(installation, large, whole=True)
    for key, row in last(installation).items():
        assert decimals(row["portal_amounts"]) == decimals(row["our_amounts"]) == sums(people.get(key, {}))
        assert row["rows_compared"] == row["portal_count"]


def test_counts_lead_to_the_ids_of_a_large_stage(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parted by our ids, until few enough are left to be read; the first, one inside, and the last."""
    monkeypatch.setattr(turns, "MOST_ROWS", 0)
    monkeypatch.setattr(id_search, "PAGES_AT_ONCE", 2)
    monkeypatch.setattr(stage_search, "MOST_READ", 100)
    monkeypatch.setattr(stage_search, "PARTS", 4)
    key, rows = max(there(larger).items(), key=lambda pair: len(pair[1]))
    numbers = sorted(rows)
    lost = [numbers[len(numbers) // 2], numbers[-1]]
    execute(installation.warehouse, "delete from bitrix24_leads where id = any(%s)", lost)
    larger.delete("lead", numbers[60])
    check(installation, large)
    row = unequal(installation)[key]
    assert (row["missing_ids"], row["surplus_ids"]) == (lost, [numbers[60]])
    assert (row["is_repaired"], row["portal_amounts"]) == (True, None)
    assert requests_of_last(installation) <= 10
    check(installation, large)
    assert unequal(installation) == {}


def test_difference_that_would_cost_too_much_is_told_as_such(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moves that left no trace in many parts: they are not called repaired, and it is said what repairs them."""
    monkeypatch.setattr(turns, "MOST_ROWS", 0)
    monkeypatch.setattr(id_search, "PAGES_AT_ONCE", 0)
    monkeypatch.setattr(id_search, "_commands_of_counting", lambda *_: 0)
    monkeypatch.setattr(stage_search, "MOST_READ", 10)
    monkeypatch.setattr(stage_search, "PARTS", 4)
    key, rows = max(there(larger).items(), key=lambda pair: len(pair[1]))
    lost = sorted(rows)[60::20]
    other = next(place[2] for place in there(larger) if place != key)
    execute(
        installation.warehouse, "update bitrix24_leads set status_id = %s where id = any(%s)", other, lost
    )
    check(installation, large)
    row = unequal(installation)[key]
    assert (row["is_explained"], row["is_repaired"]) == (False, False)
    assert (
        f"{len(lost) - len(row['missing_ids'])} more in the portal were not found by id" in row["explanation"]
    )
    assert "`b24 reconcile acme --whole`" in row["explanation"]
    outcomes = reconcile_portals(installation.connections, [large], Options(), whole=True)
    assert all(one.worked for one in outcomes)
    assert unequal(installation) == {}
    assert all(row["portal_amounts"] is not None for row in last(installation).values())
