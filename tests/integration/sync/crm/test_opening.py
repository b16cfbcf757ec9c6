"""The opening of a sync: the first questions of all steps in one request, and what becomes of their answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from b24_pipeline.bitrix.budget.operating import Operating
from b24_pipeline.errors import AccessDenied
from b24_pipeline.sandbox import CostModel, Fault, Sandbox, SandboxConfig
from b24_pipeline.store.portals.budget import PostgresOperatingStore
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.crm import opening
from b24_pipeline.sync.crm.opening import Opening
from b24_pipeline.sync.options import Options
from tests.support.expected.tables import assert_entities_equal, assert_history_equal
from tests.support.installation import Installation, worked

DERIVED = "select count(*) as n from bitrix24_status_history where source <> 'history'"
LISTS = ["crm.lead.list", "crm.deal.list", "crm.contact.list", "crm.company.list"]
NO_LAG = Options(lag=timedelta())


@pytest.fixture
def portal(synced_portal: Portal) -> Portal:
    """A portal that was just synced; its journal is empty."""
    return synced_portal


def assert_same(installation: Installation, sandbox: Sandbox) -> None:
    url = installation.warehouse.url.for_people(hide_password=False)
    for entity in ("lead", "deal"):
        assert_entities_equal(url, sandbox, entity)
        assert_history_equal(url, sandbox, entity)


def after_opening(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Has something happen once between the answers to an opening and the first step that uses them."""
    ask = Opening._ask
    done: list[object] = []

    def asked(one: Opening) -> None:
        ask(one)
        if not done:
            done.append(True)
            work()

    monkeypatch.setattr(Opening, "_ask", asked)


def test_first_questions_are_one_request_with_entities_before_their_moves(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """The commands of a batch run in order: a move that is made meanwhile is read, not inferred."""
    worked(installation.sync(portal))
    first = sandbox.requests[0].methods
    assert first[0] == "server.time"
    assert [method for method in first if method in LISTS] == LISTS
    moves = [place for place, method in enumerate(first) if method == "crm.stagehistory.list"]
    assert len(moves) == 2 and min(moves) > first.index("crm.company.list")
    assert {"crm.category.list", "crm.status.list", "user.get"} < set(first)


def test_what_lists_lack_is_a_second_request(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Pages of four lists, and the moves once more after their entities."""
    report = sandbox.change(110, kinds=("stage",))
    assert min(len(report.changed[name]) for name in ("lead", "deal")) > 50
    sandbox.reset_stats()
    outcomes = worked(installation.sync(portal))
    second = sandbox.requests[1].methods
    assert [second.count(name) for name in ("crm.lead.list", "crm.deal.list")] == [1, 1]
    assert second.index("crm.deal.list") < second.index("crm.stagehistory.list")
    assert len(second) <= 6
    assert [outcomes[name].rows_read for name in ("lead", "deal")] == [
        len(report.changed[name]) for name in ("lead", "deal")
    ]
    assert_same(installation, sandbox)
    assert installation.rows(DERIVED) == [{"n": 0}]


def test_lists_too_long_for_a_second_request_are_read_by_their_steps(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then their moves are asked for after them, and none is inferred of what moves meanwhile."""
    monkeypatch.setattr(opening, "FOLLOWED_COMMANDS", 1)
    sandbox.change(110, kinds=("stage",))
    after_opening(monkeypatch, lambda: sandbox.change(110, seed=5, kinds=("stage",)))
    worked(installation.sync(portal))
    assert installation.rows(DERIVED) == [{"n": 0}]
    monkeypatch.undo()
    worked(installation.sync(portal))
    assert_same(installation, sandbox)


def test_change_after_the_opening_is_the_next_sync_s(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watermark is the portal's time before the first question, also without any lag."""
    after_opening(monkeypatch, lambda: sandbox.change(40, kinds=("stage", "edit", "add")))
    worked(installation.sync(portal, options=NO_LAG))
    worked(installation.sync(portal, options=NO_LAG))
    assert_same(installation, sandbox)
    assert installation.rows(DERIVED) == [{"n": 0}]


def test_answers_that_another_sync_has_overtaken_are_not_used(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stored rows that are newer than our moves: these would seem to lack some."""

    def overtake() -> None:
        sandbox.portal.clock.shift(2)
        sandbox.change(60, kinds=("stage",))
        worked(installation.sync(portal, entities=("lead", "deal"), options=NO_LAG))

    after_opening(monkeypatch, overtake)
    worked(installation.sync(portal, options=NO_LAG))
    assert installation.rows(DERIVED) == [{"n": 0}]
    assert_same(installation, sandbox)


def test_only_what_is_wanted_is_asked_for(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """`b24 sync --entity deal`."""
    worked(installation.sync(portal, entities=("deal",)))
    asked = {method for request in sandbox.requests for method in request.methods}
    assert asked == {"server.time", "crm.deal.list"}


def test_refused_entity_stops_no_other(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """Its error is its own, and it is not asked for again."""
    sandbox.faults.add(Fault("command_error", "crm.deal.list", error="ACCESS_DENIED", description="no"))
    sandbox.change(40, kinds=("stage",))
    sandbox.reset_stats()
    outcomes = installation.sync(portal, entities=("lead", "deal", "status_history"))
    assert isinstance(outcomes.pop("deal").error, AccessDenied)
    worked(outcomes)
    assert sum(request.methods.count("crm.deal.list") for request in sandbox.requests) == 1
    assert outcomes["lead"].rows_changed


def test_command_that_failed_for_the_moment_is_asked_once_more(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """By its step; the others have their answers."""
    for method in ("crm.deal.list", "user.get"):
        sandbox.faults.add(Fault("command_error", method, times=1, error="INTERNAL_SERVER_ERROR"))
    sandbox.change(40, kinds=("stage",))
    outcomes = worked(installation.sync(portal))
    assert_same(installation, sandbox)
    assert (outcomes["deal"].requests, outcomes["user"].requests, outcomes["lead"].requests) == (1, 1, 0)


def test_method_whose_time_is_used_up_holds_up_no_other(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Its list is asked for by its step, which waits for it."""
    store = PostgresOperatingStore(installation.warehouse.autocommit)
    store.write(portal.domain, "crm.deal.list", Operating(0.0, 0.0, 2.0))
    sandbox.change(40, kinds=("stage",))
    sandbox.reset_stats()
    worked(installation.sync(portal))
    first, second = sandbox.requests[:2]
    assert "crm.lead.list" in first.methods and "crm.deal.list" not in first.methods
    assert second.methods == ("crm.deal.list",)
    assert_same(installation, sandbox)
    assert installation.rows(DERIVED) == [{"n": 0}]


def test_portal_that_does_not_manage_the_opening_is_asked_step_by_step(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As before there was one."""
    sandbox.faults.add(Fault("html", "batch", status=502, times=2))
    sandbox.change(40, kinds=("stage",))
    outcomes = worked(installation.sync(portal))
    assert_same(installation, sandbox)
    assert outcomes["deal"].requests >= 1


def test_each_step_is_billed_for_its_own_commands(installation: Installation) -> None:
    """The request is the first step's; operating seconds are shared by how long the commands ran."""
    cost = CostModel(request_seconds=0.0, command_seconds=0.05, row_seconds=0.0001, counted_row_seconds=0.0)
    with Sandbox(SandboxConfig(leads=60, deals=60, cost=cost)) as sandbox:
        portal = installation.add(sandbox)
        worked(installation.sync(portal))
        sandbox.update("deal", int(next(iter(sandbox.truth.raw("deal")))["ID"]), {"TITLE": "x"})
        before = sum(sandbox.stats.operating_seconds.values())
        sandbox.reset_stats()
        outcomes = worked(installation.sync(portal, entities=("user", "lead", "deal", "contact")))
        spent = sum(sandbox.stats.operating_seconds.values()) - before
    assert [outcomes[name].requests for name in ("user", "lead", "deal", "contact")] == [1, 0, 0, 0]
    assert sum(one.requests for one in outcomes.values()) == sandbox.stats.requests
    billed = {name: one.operating_seconds for name, one in outcomes.items()}
    assert sum(billed.values()) == pytest.approx(spent, abs=0.005)
    assert billed["lead"] == pytest.approx(0.05, abs=0.03)
    assert billed["deal"] > billed["lead"] > 0


def test_two_portals_share_nothing(installation: Installation, sandbox: Sandbox, portal: Portal) -> None:
    """Each has an opening of its own."""
    with Sandbox(SandboxConfig(leads=30, deals=30, seed=9)) as second:
        other = installation.add(second, "other")
        worked(installation.sync(other))
        sandbox.change(30, kinds=("stage", "edit"))
        second.change(30, kinds=("stage", "edit"))
        outcomes: dict[str, Any] = dict(worked(installation.sync(portal, other)))
        for name, one in (("acme", sandbox), ("other", second)):
            changed = {int(row["ID"]) for row in one.truth.raw("deal")}
            stored = installation.rows(
                "select d.id from bitrix24_deals d join user_accounts a on a.id = d.user_account_id where a.name = %s",
                name,
            )
            assert {row["id"] for row in stored} == changed
            assert outcomes[f"{name} deal"].rows_changed
