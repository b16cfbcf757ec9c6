"""Rows that the portal does not show any more: a second look, then tombstones, unless there are too many."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from b24_pipeline.bitrix.lists.read import read_list
from b24_pipeline.errors import TooManyVanished
from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.crm import checkpoint
from b24_pipeline.sync.crm.scope import Days
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.run import backfill_portals
from tests.support.installation import Installation, execute, worked

ALWAYS = Days(date(2000, 1, 1), date(2100, 1, 1))


def gone(installation: Installation) -> list[int]:
    found = installation.rows("select id from bitrix24_deals where deleted_at is not null order by id")
    return [row["id"] for row in found]


def full(installation: Installation, portal: Portal, **options: Any) -> Outcome:
    return installation.sync(portal, entities=("deal",), full=True, options=Options(**options))["deal"]


def backfill(installation: Installation, portal: Portal, days: Days = ALWAYS) -> Outcome:
    return backfill_portals(installation.connections, [portal], days, ("deal",), Options())[0]


def ids(sandbox: Sandbox) -> list[int]:
    return [int(number) for number in sandbox.truth.entities("deal")["ID"]]


@pytest.fixture
def portal(installation: Installation, sandbox: Sandbox) -> Portal:
    """A portal whose deals are here."""
    connected = installation.add(sandbox)
    worked(installation.sync(connected, entities=("deal",)))
    return connected


@pytest.mark.parametrize("read", [full, backfill])
def test_deleted_rows_get_tombstones(
    installation: Installation, sandbox: Sandbox, portal: Portal, read: Any
) -> None:
    """Deleted rows get a tombstone, also the last one, which no later row follows."""
    known = ids(sandbox)
    chosen = [known[0], known[30], known[-1]]
    for number in chosen:
        sandbox.delete("deal", number)
    outcome = read(installation, portal)
    assert outcome.error is None
    assert outcome.rows_deleted == 3
    assert gone(installation) == chosen
    assert read(installation, portal).rows_deleted == 0


def test_incremental_sync_sets_no_tombstones(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """An incremental sync reads only modified rows, so it sets no tombstones."""
    sandbox.delete("deal", ids(sandbox)[0])
    worked(installation.sync(portal, entities=("deal",)))
    assert gone(installation) == []


def test_backfill_of_other_days_sets_no_tombstones(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """A backfill sets no tombstone for a row that was created on other days."""
    sandbox.delete("deal", ids(sandbox)[0])
    assert backfill(installation, portal, Days(date(2000, 1, 1), date(2000, 12, 31))).error is None
    assert gone(installation) == []


def test_row_that_is_found_by_its_id_stays_alive(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that was missing from its page is fetched by id and stays alive."""
    number = ids(sandbox)[10]

    def without_one(*arguments: Any, **options: Any) -> Any:
        for chunk in read_list(*arguments, **options):
            for piece in chunk.pieces:
                piece.rows[:] = [row for row in piece.rows if int(row["ID"]) != number]
            yield chunk

    monkeypatch.setattr(checkpoint, "read_list", without_one)
    sandbox.reset_stats()
    outcome = full(installation, portal)
    assert (outcome.error, outcome.rows_deleted) == (None, 0)
    assert outcome.rows_read == len(ids(sandbox))
    assert gone(installation) == []


def test_restored_row_lives_again(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """A restored row loses its tombstone, and that counts as a change."""
    execute(
        installation.warehouse, "update bitrix24_deals set deleted_at = now() where id = %s", ids(sandbox)[0]
    )
    outcome = full(installation, portal)
    assert (outcome.rows_changed, gone(installation)) == (1, [])


def test_many_at_once_stop_the_load_and_ask(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """More than 20 rows and 5% that vanish at once need a person's word, as lost rights look the same."""
    chosen = ids(sandbox)[:21]
    for number in chosen:
        sandbox.delete("deal", number)
    for _ in range(2):
        outcome = full(installation, portal)
        assert isinstance(outcome.error, TooManyVanished)
        assert "21 of 60 deal rows" in str(outcome.error)
        assert "--accept-deletions" in str(outcome.error)
        assert gone(installation) == []
    assert installation.rows(
        "select sync_status, error_code from bitrix24_sync_log where entity_type = 'deal' order by id desc limit 1"
    ) == [{"sync_status": "failed", "error_code": "TooManyVanished"}]
    assert full(installation, portal, accept_deletions=True).rows_deleted == 21
    assert gone(installation) == chosen


def test_rights_that_come_back_end_the_alarm(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Rows that vanished and are shown again stay alive, and nothing has to be accepted."""
    execute(
        installation.warehouse,
        "insert into bitrix24_vanished (user_account_id, entity_type, scope, id) "
        "select user_account_id, 'deal', 'full', id from bitrix24_deals",
    )
    execute(
        installation.warehouse,
        "insert into bitrix24_loads (user_account_id, entity_type, scope, open_ranges, watermark) "
        "values (%s, 'deal', 'full', '{}', now())",
        portal.id,
    )
    outcome = full(installation, portal)
    assert (outcome.error, outcome.rows_deleted, gone(installation)) == (None, 0, [])
    assert installation.rows("select * from bitrix24_vanished") == []


def test_twenty_of_few_are_believed(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """In a small portal up to twenty deletions are believed, however large their share is."""
    for number in ids(sandbox)[:20]:
        sandbox.delete("deal", number)
    assert full(installation, portal).rows_deleted == 20


def test_emptied_portal_is_not_believed(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """An empty list is no deletion of everything: a user without rights gets the same."""
    for number in ids(sandbox):
        sandbox.delete("deal", number)
    assert isinstance(full(installation, portal).error, TooManyVanished)
    assert gone(installation) == []
