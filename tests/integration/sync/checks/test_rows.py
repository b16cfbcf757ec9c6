"""What events and watermarks missed is found by counting, and repaired."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from b24_pipeline.errors import TooManyVanished
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks import rows as module
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.run import reconcile_portals
from tests.integration.sync.conftest import Preparation, sync_once
from tests.support.installation import Installation, execute, worked

TABLES = {
    "lead": "bitrix24_leads",
    "deal": "bitrix24_deals",
    "contact": "bitrix24_contacts",
    "company": "bitrix24_companies",
}


def reconcile(
    installation: Installation, portal: Portal, *, whole: bool = False, **options: Any
) -> dict[str, Outcome]:
    """The comparisons by entity."""
    outcomes = reconcile_portals(installation.connections, [portal], Options(**options), whole=whole)
    return {outcome.entity: outcome for outcome in outcomes if outcome.sync_type == "reconcile"}


def figures(outcome: Outcome) -> tuple[int, int, int]:
    assert outcome.error is None, outcome.error
    return outcome.missing, outcome.outdated, outcome.rows_deleted


def alive(installation: Installation, entity: str) -> list[int]:
    found = installation.rows(f"select id from {TABLES[entity]} where deleted_at is null order by id")
    return [row["id"] for row in found]


def there(sandbox: Sandbox, entity: str) -> list[int]:
    return sorted(int(number) for number in sandbox.truth.entities(entity)["ID"])


@pytest.fixture(params=[2500, 4])
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Slices as large as they are, and so small that they are parted again and again."""
    monkeypatch.setattr(module, "SMALL_SLICE", request.param)
    monkeypatch.setattr(module, "MOST_PARTS", 25 if request.param > 100 else 5)
    return int(request.param)


def sync_and_compare(installation: Installation, portal: Portal) -> None:
    sync_once(installation, portal)
    assert {figures(one) for one in reconcile(installation, portal).values()} == {(0, 0, 0)}


@pytest.fixture
def preparation() -> Preparation:
    """A sync, and a comparison as a whole."""
    return sync_and_compare


@pytest.fixture
def larger() -> Iterator[Sandbox]:
    """A portal with more deals than are read at once."""
    with Sandbox(SandboxConfig(leads=0, deals=6000, contacts=0, companies=0)) as made:
        yield made


def test_equal_portals_cost_a_request_an_entity(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """A small portal's ids and times come in one request for each entity."""
    outcomes = reconcile(installation, portal)
    assert {name: one.requests for name, one in outcomes.items()} == dict.fromkeys(TABLES, 1)
    assert {one.rows_read for one in outcomes.values()} == {0}


@pytest.mark.parametrize("entity", list(TABLES))
def test_missing_rows_are_fetched(
    installation: Installation, sandbox: Sandbox, portal: Portal, slices: int, entity: str
) -> None:
    """The first row, one in the middle and the last are fetched, which no watermark would ever bring."""
    known = there(sandbox, entity)
    lost = [known[0], known[len(known) // 2], known[-1]]
    execute(installation.warehouse, f"delete from {TABLES[entity]} where id = any(%s)", lost)
    outcomes = reconcile(installation, portal)
    assert figures(outcomes[entity]) == (3, 0, 0)
    assert {figures(one) for name, one in outcomes.items() if name != entity} == {(0, 0, 0)}
    assert alive(installation, entity) == known


def test_deleted_rows_get_tombstones(
    installation: Installation, sandbox: Sandbox, portal: Portal, slices: int
) -> None:
    """Deleted rows get a tombstone, also the last one, which no later row follows."""
    known = there(sandbox, "deal")
    for number in (known[0], known[30], known[-1]):
        sandbox.delete("deal", number)
    assert figures(reconcile(installation, portal)["deal"]) == (0, 0, 3)
    assert alive(installation, "deal") == there(sandbox, "deal")


def test_missed_changes_are_fetched(
    installation: Installation, sandbox: Sandbox, portal: Portal, slices: int
) -> None:
    """Counts by id agree while those by time of modification differ, and the changed rows are fetched."""
    known = there(sandbox, "lead")
    execute(
        installation.warehouse,
        "update bitrix24_leads set title = 'old', date_modify = date_modify - interval '400 days' "
        "where id = any(%s)",
        [known[5], known[50]],
    )
    assert figures(reconcile(installation, portal)["lead"])[1] == 2
    assert installation.rows("select id from bitrix24_leads where title = 'old'") == []


def test_row_that_is_back_lives_again(
    installation: Installation, sandbox: Sandbox, portal: Portal, slices: int
) -> None:
    """A row with a tombstone that the portal shows again loses the tombstone."""
    number = there(sandbox, "deal")[7]
    execute(installation.warehouse, "update bitrix24_deals set deleted_at = now() where id = %s", number)
    assert figures(reconcile(installation, portal)["deal"]) == (1, 0, 0)
    assert alive(installation, "deal") == there(sandbox, "deal")


def test_what_balances_by_id_shows_by_time(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """One row lost and one deleted leave the count by id equal, but not the counts by time."""
    known = there(sandbox, "deal")
    sandbox.delete("deal", known[3])
    execute(installation.warehouse, "delete from bitrix24_deals where id = %s", known[4])
    whole = reconcile(installation, portal, whole=True)["deal"]
    assert figures(whole) == (1, 0, 1)
    assert alive(installation, "deal") == there(sandbox, "deal")


@pytest.mark.parametrize("lost", [[4], [30, 31, 50]])
def test_counts_lead_to_what_differs(
    installation: Installation,
    sandbox: Sandbox,
    portal: Portal,
    monkeypatch: pytest.MonkeyPatch,
    lost: list[int],
) -> None:
    """Counting leads down to a slice of five rows, and the rows of no other slice are read."""
    monkeypatch.setattr(module, "SMALL_SLICE", 5)
    monkeypatch.setattr(module, "MOST_PARTS", 4)
    known = there(sandbox, "deal")
    execute(
        installation.warehouse,
        "delete from bitrix24_deals where id = any(%s)",
        [known[number] for number in lost],
    )
    assert figures(reconcile(installation, portal)["deal"]) == (len(lost), 0, 0)
    assert alive(installation, "deal") == known


def test_equal_counts_read_no_row(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A larger portal whose counts agree is only counted, with one request for each entity."""
    monkeypatch.setattr(module, "SMALL_SLICE", 5)
    sandbox.reset_stats()
    outcomes = reconcile(installation, portal)
    assert {name: one.requests for name, one in outcomes.items()} == dict.fromkeys(TABLES, 1)
    assert {one.rows_read for one in outcomes.values()} == {0}


def test_whole_comparison_comes_once_a_week(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a week all rows are compared, which finds what no count shows."""
    monkeypatch.setattr(module, "SMALL_SLICE", 5)
    known = there(sandbox, "deal")
    sandbox.delete("deal", known[3])
    execute(installation.warehouse, "delete from bitrix24_deals where id = %s", known[4])
    execute(
        installation.warehouse,
        "update bitrix24_cursors set watermark = watermark - interval '8 days' "
        "where entity_type = 'deal_compared'",
    )
    assert figures(reconcile(installation, portal)["deal"]) == (1, 0, 1)


def test_many_vanished_rows_stop_and_ask(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Many vanished rows may be lost rights, so a person decides and coverage is not proved."""
    execute(installation.warehouse, "delete from bitrix24_coverage")
    for number in there(sandbox, "deal")[:21]:
        sandbox.delete("deal", number)
    outcomes = reconcile(installation, portal)
    assert isinstance(outcomes["deal"].error, TooManyVanished)
    assert len(alive(installation, "deal")) == 60
    proved = installation.rows("select entity_type from bitrix24_coverage order by 1")
    assert [row["entity_type"] for row in proved] == ["company", "contact", "lead"]
    assert figures(reconcile(installation, portal, accept_deletions=True)["deal"]) == (0, 0, 21)


def test_many_vanished_rows_keep_no_edit_from_being_repaired(
    installation: Installation, sandbox: Sandbox, portal: Portal, slices: int
) -> None:
    """The question concerns the vanished rows alone."""
    known = there(sandbox, "deal")
    for number in known[:21]:
        sandbox.delete("deal", number)
    execute(
        installation.warehouse,
        "update bitrix24_deals set title = 'old', date_modify = date_modify - interval '1 day' where id = %s",
        known[-1],
    )
    assert isinstance(reconcile(installation, portal)["deal"].error, TooManyVanished)
    assert installation.rows("select id from bitrix24_deals where title = 'old'") == []


def test_one_lost_row_of_many_costs_few_requests(installation: Installation, larger: Sandbox) -> None:
    """Counts lead to one lost row without most of the portal being read."""
    portal = installation.add(larger)
    worked(installation.sync(portal))
    reconcile(installation, portal)
    number = there(larger, "deal")[3000]
    execute(installation.warehouse, "delete from bitrix24_deals where id = %s", number)
    outcome = reconcile(installation, portal)["deal"]
    assert figures(outcome) == (1, 0, 0)
    assert (outcome.requests, outcome.rows_read) == (3, 1)  # counts, ids of one slice, the row


def test_changes_of_today_are_no_differences(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Changes that the watermark would bring are loaded first, as an incremental sync."""
    sandbox.change(10, seed=5)
    assert {figures(one) for one in reconcile(installation, portal).values()} == {(0, 0, 0)}
    for entity in TABLES:
        assert alive(installation, entity) == there(sandbox, entity)


def test_missed_moves_come_too(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """A repaired row comes with the moves that led to its stage."""
    number = there(sandbox, "deal")[10]
    execute(installation.warehouse, "delete from bitrix24_deals where id = %s", number)
    reconcile(installation, portal)
    last = installation.rows(
        "select to_status_id from bitrix24_status_history where bitrix24_deal_id = %s "
        "order by changed_at desc, id desc limit 1",
        number,
    )
    stage = installation.rows("select stage_id from bitrix24_deals where id = %s", number)
    assert last[0]["to_status_id"] == stage[0]["stage_id"]
