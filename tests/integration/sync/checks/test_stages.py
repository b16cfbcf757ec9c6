"""After each sync our figures are laid beside the live portal's, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import Any

import pytest

from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks import stage_batch
from tests.integration.sync.checks.conftest import (
    check,
    decimals,
    last,
    requests_of_last,
    some_deal,
    sums,
    there,
    unequal,
)
from tests.support.installation import Installation, execute, worked


def write_unseen(sandbox: Sandbox, entity: str, number: int, values: Mapping[str, Any]) -> None:
    """A change in the portal that leaves DATE_MODIFY as it was, and is announced to nobody."""
    with sandbox.portal.lock:
        table = sandbox.portal.entities[entity].table
        row = table.row_of(number)
        assert row is not None
        table.write(row, values)


def test_sync_ends_with_the_figures_of_both_sides(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Each stage with its count and its sums by currency, which are the portal's own; one request."""
    expected = there(sandbox)
    found = last(installation)
    assert {key: row["portal_count"] for key, row in found.items() if row["portal_count"]} == {
        key: len(rows) for key, rows in expected.items()
    }
    for key, row in found.items():
        rows = expected.get(key, {})
        assert row["our_count"] == row["portal_count"] == row["rows_compared"] == len(rows)
        assert decimals(row["portal_amounts"]) == decimals(row["our_amounts"]) == sums(rows)
        assert (row["is_equal"], row["is_explained"], row["explanation"]) == (True, True, None)
    assert len({row["checked_at"] for row in found.values()}) == 1
    assert {key for key, row in found.items() if not row["portal_count"]}  # empty stages too
    assert requests_of_last(installation) == 1


def test_lost_row_is_named_and_fetched(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """The next check finds nothing any more."""
    number, key = some_deal(sandbox)
    execute(installation.warehouse, "delete from bitrix24_deals where id = %s", number)
    (repaired,) = [one for one in check(installation, portal) if one.entity == "deal"]
    assert (repaired.missing, repaired.outdated, repaired.rows_changed) == (1, 0, 1)
    (row,) = unequal(installation).values()
    assert (row["entity_type"], row["category_id"], row["status_id"]) == key
    assert (row["missing_ids"], row["portal_count"] - row["our_count"]) == ([number], 1)
    assert (row["is_explained"], row["is_repaired"]) == (False, True)
    assert row["explanation"] == (
        f"1 not in our copy of this stage: ids {number}; repaired right after the check"
    )
    assert check(installation, portal) == []
    assert unequal(installation) == {}


def test_row_deleted_in_the_portal_is_named_and_buried(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """No event told, and no watermark shows it."""
    number, _ = some_deal(sandbox)
    sandbox.delete("deal", number)
    check(installation, portal)
    (row,) = unequal(installation).values()
    assert (row["surplus_ids"], row["is_repaired"]) == ([number], True)
    assert row["explanation"].startswith(f"1 deleted in the portal: ids {number};")
    assert installation.rows("select deleted_at from bitrix24_deals where id = %s", number)[0]["deleted_at"]
    check(installation, portal)
    assert unequal(installation) == {}


def test_row_that_only_we_have_is_buried(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """It counts here and the portal never had it."""
    _, (_, category, stage) = some_deal(sandbox)
    execute(
        installation.warehouse,
        "insert into bitrix24_deals (user_account_id, id, category_id, stage_id) "
        "select id, 987654, %s, %s from user_accounts",
        category,
        stage,
    )
    check(installation, portal)
    (row,) = unequal(installation).values()
    assert (row["surplus_ids"], row["our_count"] - row["portal_count"]) == ([987654], 1)
    check(installation, portal)
    assert unequal(installation) == {}


def test_move_that_left_no_trace_shows_in_both_stages(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """DATE_MODIFY is as it was, so that no sync and no comparison of times would find it."""
    number, key = some_deal(sandbox)
    other = next(k for k in there(sandbox) if k[:2] == key[:2] and k != key)
    write_unseen(sandbox, "deal", number, {"STAGE_ID": other[2]})
    worked(installation.sync(portal))
    found = unequal(installation)
    assert {k: (row["missing_ids"], row["surplus_ids"]) for k, row in found.items()} == {
        key: ([], [number]),
        other: ([number], []),
    }
    assert "not in this stage in the portal any more" in found[key]["explanation"]
    assert installation.rows("select stage_id from bitrix24_deals where id = %s", number) == [
        {"stage_id": other[2]}
    ]


@pytest.mark.parametrize("entity", ["lead", "deal"])
@pytest.mark.parametrize(
    "change", ["opportunity = opportunity + 1", "currency_id = 'XTS'", "opportunity = null"]
)
def test_wrong_amount_is_named_and_repaired(
    installation: Installation, sandbox: Sandbox, portal: Portal, entity: str, change: str
) -> None:
    """Counts agree; the sums do not."""
    key, rows = next((k, r) for k, r in there(sandbox).items() if k[0] == entity)
    number = max(rows)
    write_unseen(sandbox, entity, number, {"OPPORTUNITY": "1250.5", "CURRENCY_ID": "EUR"})
    worked(installation.sync(portal, full=True))
    execute(installation.warehouse, f"update bitrix24_{entity}s set {change} where id = %s", number)
    check(installation, portal)
    row = unequal(installation)[key]
    assert (row["differing_ids"], row["missing_ids"], row["surplus_ids"]) == ([number], [], [])
    assert row["portal_amounts"] != row["our_amounts"]
    assert row["explanation"].startswith("1 of another amount or currency: ids ")
    check(installation, portal)
    assert unequal(installation) == {}
    assert decimals(last(installation)[key]["our_amounts"])["EUR"] >= Decimal("1250.5")


def test_changes_made_since_the_sync_are_no_differences(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """A moved, a new and an edited one: counts and sums differ, and it is said why."""
    number, key = some_deal(sandbox)
    other = next(k for k in there(sandbox) if k[:2] == key[:2] and k != key)
    sandbox.move("deal", number, other[2])
    new = sandbox.add("lead", {"TITLE": "New", "STATUS_ID": "NEW", "OPPORTUNITY": "7"})
    edited = next(iter(there(sandbox)["lead", 0, "IN_PROCESS"]))
    sandbox.update("lead", edited, {"OPPORTUNITY": "123456"})
    check(installation, portal)
    found = unequal(installation)
    assert set(found) == {key, other, ("lead", 0, "NEW"), ("lead", 0, "IN_PROCESS")}
    for row in found.values():
        assert (row["is_explained"], row["is_repaired"]) == (True, False)
        assert row["missing_ids"] == row["surplus_ids"] == row["differing_ids"] == []
        assert row["explanation"].startswith("1 changed in the portal since the sync: ids ")
    assert str(new) in found["lead", 0, "NEW"]["explanation"]


def test_change_while_the_portal_is_asked_is_no_difference(
    installation: Installation, larger: Sandbox, large: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two of its requests one is moved, one is made and one is deleted."""
    key, rows = max(there(larger).items(), key=lambda pair: len(pair[1]))
    numbers, done = sorted(rows), list[int]()
    batch = BitrixClient.batch

    def meddled(client: BitrixClient, commands: Any, **options: Any) -> Any:
        answer = batch(client, commands, **options)
        if not done:
            larger.move("lead", numbers[3], "NEW" if key[2] != "NEW" else "IN_PROCESS")
            done.append(larger.add("lead", {"TITLE": "Made", "STATUS_ID": key[2]}))
            larger.delete("lead", numbers[-1])
        return answer

    monkeypatch.setattr(stage_batch, "MAX_COMMANDS", 6)
    monkeypatch.setattr(BitrixClient, "batch", meddled)
    check(installation, large)
    assert done
    for row in last(installation).values():
        assert row["missing_ids"] == row["differing_ids"] == []
        assert set(row["surplus_ids"]) <= {numbers[-1]}  # it is really gone
        assert row["is_explained"] or row["is_repaired"]
    monkeypatch.setattr(BitrixClient, "batch", batch)
    worked(installation.sync(large))
    assert unequal(installation) == {}


def test_templates_of_recurring_deals_count_on_neither_side(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """As in the funnel."""
    number, key = some_deal(sandbox)
    before = last(installation)[key]["portal_count"]
    write_unseen(sandbox, "deal", number, {"IS_RECURRING": "Y"})
    worked(installation.sync(portal, full=True))
    assert unequal(installation) == {}
    row = last(installation)[key]
    assert (row["portal_count"], row["our_count"]) == (before - 1, before - 1)


def test_more_stages_than_a_batch_holds(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """Fifty commands a request: each stage, the rest of leads and deals, all contacts and companies, and changes."""
    for number in range(60):
        sandbox.add_stage("deal", f"UC_{number}", f"Stage {number}", sort=600 + number)
    lone, _ = some_deal(sandbox)
    write_unseen(sandbox, "deal", lone, {"STAGE_ID": "UC_59", "CATEGORY_ID": 0})
    worked(installation.sync(portal, full=True))
    found = last(installation)
    assert len(found) > 60 and unequal(installation) == {}
    assert found["deal", 0, "UC_59"]["portal_count"] == 1
    assert requests_of_last(installation) == ceil((len(found) + 2 + 2 + 2) / 50)
    execute(installation.warehouse, "delete from bitrix24_deals where id = %s", lone)
    check(installation, portal)
    assert [row["missing_ids"] for row in unequal(installation).values()] == [[lone]]


def test_stage_that_no_directory_has_told_of(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Who stands in one that we have never heard of is found all the same."""
    number, key = some_deal(sandbox)
    sandbox.add_stage("deal", "UC_UNHEARD", "Unheard")
    write_unseen(sandbox, "deal", number, {"STAGE_ID": "UC_UNHEARD", "CATEGORY_ID": 0})
    check(installation, portal)
    found = unequal(installation)
    assert found["deal", 0, "UC_UNHEARD"]["missing_ids"] == [number]
    assert found[key]["surplus_ids"] == [number]
    check(installation, portal)
    assert unequal(installation) == {}
