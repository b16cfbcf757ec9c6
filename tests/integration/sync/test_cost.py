"""What a sync asks of a portal follows what has changed there: requests, commands and rows, not the portal's size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.models import build, load_project
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from tests.support.installation import Installation, worked

CHANGES_OF_A_BUILD = 20
KINDS = ("stage", "stage", "stage", "edit")


@pytest.fixture(params=[600, pytest.param(50_000, marks=pytest.mark.slow)])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A portal of so many leads and as many deals."""
    with Sandbox(SandboxConfig(leads=request.param, deals=request.param, contacts=300, companies=60)) as made:
        yield made


@pytest.fixture
def portal(synced_portal: Portal) -> Portal:
    return synced_portal


def test_idle_sync_costs_two_requests(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """One asks everything for changes, one counts; of rows come the directories, and those whose turn it is."""
    outcomes = worked(installation.sync(portal))
    assert sum(one.rows_changed for one in outcomes.values()) == 0
    cost = sandbox.stats
    assert (cost.requests, cost.commands <= 62, cost.rows <= 200) == (2, True, True), cost
    (check,) = installation.rows(
        "select requests, rows_read from bitrix24_sync_log where entity_type = 'agreement' order by id desc limit 1"
    )
    assert check["requests"] == 1 and 0 < check["rows_read"] <= 50
    assert installation.rows("select count(*) as n from reconciliation where not is_equal") == [{"n": 0}]


def test_sync_after_a_deletion_finds_it_and_the_next_is_idle(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """The portal forgets the moves of what is deleted: that they are fewer is known from then on."""
    for entity in ("lead", "deal"):
        for row in list(sandbox.truth.raw(entity))[-3:]:
            sandbox.delete(entity, int(row["ID"]))
    worked(installation.sync(portal))
    gone = "select (select count(*) from bitrix24_leads where deleted_at is not null) as leads, "
    gone += "(select count(*) from bitrix24_deals where deleted_at is not null) as deals"
    assert installation.rows(gone) == [{"leads": 3, "deals": 3}]
    sandbox.reset_stats()
    worked(installation.sync(portal))
    assert (sandbox.stats.requests, sandbox.stats.rows <= 200) == (2, True), sandbox.stats


def test_changes_cost_about_what_they_are(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """A request for the rest of the lists, one for contacts; rows, moves and contacts come once each."""
    changes = 1_000 if len(list(sandbox.truth.raw("lead"))) > 10_000 else 300
    report = sandbox.change(changes, kinds=KINDS)
    sandbox.portal.clock.shift(5)  # else they were made while the sync began
    sandbox.reset_stats()
    outcomes = worked(installation.sync(portal))
    read = {name: outcomes[name].rows_read for name in ("lead", "deal", "contact", "company")}
    assert read == {name: len(ids) for name, ids in report.changed.items()}
    cost = sandbox.stats
    assert cost.requests == 4, cost
    # counts and first pages, a page of fifty of each list and of contacts, and each list's end
    assert cost.commands <= 70 + 3 * changes / 50 + 10, cost
    # rows, moves of three in four, contacts, and what an idle sync costs
    assert cost.rows <= 3 * changes + 250, cost


def test_a_build_writes_about_what_changed(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Rows that a build writes and deletes, of all tables together: bounds that the portal's size is not in."""
    connect = installation.warehouse.connect
    build(connect, load_project())
    sandbox.change(CHANGES_OF_A_BUILD, kinds=KINDS)
    sandbox.portal.clock.shift(5)
    worked(installation.sync(portal))
    done = build(connect, load_project(), only_changed=True).models
    assert {model.action for model in done} == {"incremental", "view"}
    written = {model.name: model.changed or 0 for model in done}
    # another amount is another one on each day of a stay, and some stay for months
    assert 0 < written.pop("funnel_daily") <= 200 * CHANGES_OF_A_BUILD
    assert 0 < sum(written.values()) <= 40 * CHANGES_OF_A_BUILD, written
    assert build(connect, load_project(), only_changed=True).models == []
