"""Rows whose `DATE_MODIFY` went back or stayed as it was: a restored portal, a clock put right, an import."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from b24_pipeline.bitrix.lists.read import read_ids
from b24_pipeline.sandbox import Fault, Sandbox
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events.drain import drain
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import reconcile_portals
from tests.integration.sync.events.drain.conftest import land
from tests.support.expected.tables import assert_entities_equal
from tests.support.installation import Installation, execute, worked


def url_of(installation: Installation) -> str:
    return installation.warehouse.url.for_people(hide_password=False)


def reconcile(installation: Installation, portal: Portal, *, whole: bool = False) -> Any:
    found = reconcile_portals(installation.connections, [portal], Options(), whole=whole)
    assert [outcome.error for outcome in found if outcome.error] == []
    return {outcome.entity: outcome for outcome in found if outcome.sync_type == "reconcile"}


@pytest.fixture
def went_back(installation: Installation, sandbox: Sandbox, portal: Portal) -> int:
    """A lead that was edited, synced, and edited again after the portal's clock was put back by a day."""
    number = int(sandbox.truth.entities("lead")["ID"].iloc[5])
    sandbox.update("lead", number, {"TITLE": "before"})
    worked(installation.sync(portal))
    reconcile(installation, portal)  # the weekly comparison of all fields is done
    sandbox.portal.clock.shift(-timedelta(days=1).total_seconds())
    sandbox.update("lead", number, {"TITLE": "after"})
    (row,) = installation.rows("select title, date_modify from bitrix24_leads where id = %s", number)
    shown = next(row for row in sandbox.truth.raw("lead") if int(row["ID"]) == number)
    assert row["title"] == "before"
    assert row["date_modify"].isoformat() > shown["DATE_MODIFY"]
    return number


@pytest.mark.parametrize("way", ["reconcile", "whole", "full", "event"])
def test_row_that_went_back_is_repaired(
    installation: Installation, sandbox: Sandbox, portal: Portal, went_back: int, way: str
) -> None:
    """Each way that reads the row after we stored the newer date brings it, and counts it."""
    if way == "event":
        land(installation, portal, ("ONCRMLEADUPDATE", went_back))
        changed = drain(installation.connections, Options())[0].rows_changed
    elif way == "full":
        changed = worked(installation.sync(portal, full=True))["lead"].rows_changed
    else:
        changed = reconcile(installation, portal, whole=way == "whole")["lead"].outdated
    assert changed == 1
    assert_entities_equal(url_of(installation), sandbox, "lead")


def test_stage_that_went_back_is_repaired_by_the_next_sync(
    installation: Installation, sandbox: Sandbox, portal: Portal, went_back: int
) -> None:
    """The check after the sync counts the stage, and fetches the row by its id."""
    sandbox.move("lead", went_back, "PROCESSED")
    worked(installation.sync(portal))
    assert_entities_equal(url_of(installation), sandbox, "lead")
    assert installation.rows("select id from reconciliation where not (is_explained or is_repaired)") == []


def test_answer_that_was_asked_for_earlier_does_not_undo_a_newer_row(
    installation: Installation,
    sandbox: Sandbox,
    portal: Portal,
    went_back: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process stores the row while our answer is under way: its row stays, also after a second look."""

    def late(*asked: Any) -> Any:
        answers = list(read_ids(*asked))
        execute(
            installation.warehouse,
            "update bitrix24_leads set title = 'newer', loaded_at = clock_timestamp() where id = %s",
            went_back,
        )
        return answers

    monkeypatch.setattr("b24_pipeline.sync.crm.deletions.read_ids", late)
    reconcile(installation, portal)
    found = installation.rows("select title from bitrix24_leads where id = %s", went_back)
    assert found == [{"title": "newer"}]


def test_change_without_a_later_date_is_found_by_comparing_all_fields(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """No count shows it; `--whole` and the weekly comparison do."""
    reconcile(installation, portal)
    number = int(sandbox.truth.entities("deal")["ID"].iloc[5])
    title = "select id from bitrix24_deals where title = %s"
    for value, whole in (("imported", True), ("imported again", False)):
        sandbox.faults.clear()
        sandbox.faults.add(Fault("mutate", "crm.deal.list", ids=(number,), field="TITLE", value=value))
        assert reconcile(installation, portal)["deal"].outdated == 0
        if not whole:
            execute(
                installation.warehouse,
                "update bitrix24_cursors set watermark = watermark - interval '8 days' "
                "where entity_type = 'deal_compared'",
            )
        assert reconcile(installation, portal, whole=whole)["deal"].outdated == 1
        assert installation.rows(title, value) == [{"id": number}]
