"""When the stages are checked, when the answer is not believed, and what is left to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from b24_pipeline.sandbox import Fault, Sandbox
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks import stage_batch
from b24_pipeline.sync.options import Options
from tests.integration.sync.checks.conftest import check, last, some_deal, there, unequal
from tests.support.installation import Installation, execute, worked


def test_many_gone_at_once_are_left_to_a_person(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Lost rights look like that; nothing is buried, and the sync has worked all the same."""
    numbers = sorted(n for key, rows in there(sandbox).items() if key[0] == "deal" for n in rows)[:25]
    for number in numbers:
        sandbox.delete("deal", number)
    worked(installation.sync(portal))
    found = unequal(installation)
    assert sorted(n for row in found.values() for n in row["surplus_ids"]) == numbers
    assert not any(row["is_explained"] or row["is_repaired"] for row in found.values())
    assert (
        installation.rows("select count(*) as n from bitrix24_deals where deleted_at is null")[0]["n"] == 60
    )


def test_portal_that_refuses_the_check_spoils_nothing(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync has worked; the sync log says that the check has not."""
    ask = stage_batch.StageBatch.ask

    def refused(question: Any, stages: Any, turns: Any) -> Any:
        fault = Fault("command_error", "crm.deal.list", error="ACCESS_DENIED", description="Access denied")
        sandbox.faults.add(fault)
        return ask(question, stages, turns)

    before = len(installation.rows("select id from reconciliation"))
    monkeypatch.setattr(stage_batch.StageBatch, "ask", refused)
    worked(installation.sync(portal))
    (row,) = installation.rows(
        "select sync_status, error_code from bitrix24_sync_log order by id desc limit 1"
    )
    assert row == {"sync_status": "failed", "error_code": "AccessDenied"}
    assert len(installation.rows("select id from reconciliation")) == before


def test_portal_that_ignores_a_filter_is_not_believed(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of other stages are no figures of this one: the check fails instead of repairing."""
    number, _ = some_deal(sandbox)
    sandbox.faults.add(Fault("mutate", "crm.deal.list", ids=(number,), field="STAGE_ID", value="UC_OTHER"))
    assert check(installation, portal) == []
    (row,) = installation.rows(
        "select error_code from bitrix24_sync_log where entity_type = 'agreement' order by id desc limit 1"
    )
    assert row["error_code"] == "UnreadableAnswer"


@pytest.mark.parametrize("asked", [{"entities": ("deal",)}, {"entities": ("pipelines", "user")}])
def test_only_a_sync_of_everything_is_followed_by_a_check(
    installation: Installation, portal: Portal, asked: Mapping[str, Any]
) -> None:
    """What was left out may well be behind."""
    before = installation.rows("select count(*) as n from reconciliation")
    worked(installation.sync(portal, **asked))
    assert installation.rows("select count(*) as n from reconciliation") == before


def test_entity_that_failed_is_not_checked_and_the_other_is(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """The differences of the one would be its own; the other has nothing to do with that."""
    before = installation.rows("select count(*) as n from reconciliation where entity_type = 'lead'")
    sandbox.faults.add(
        Fault("command_error", "crm.lead.list", error="ACCESS_DENIED", description="Access denied")
    )
    assert any(one.error for one in installation.sync(portal).values())
    leads = "select count(*) as n from reconciliation where entity_type = 'lead'"
    assert installation.rows(leads) == before
    assert {key[0] for key in last(installation)} == {"deal"}


def test_step_that_failed_keeps_no_check_away(
    installation: Installation, sandbox: Sandbox, portal: Portal
) -> None:
    """Users that cannot be read say nothing about leads and deals."""
    before = last(installation)
    sandbox.faults.add(Fault("command_error", "user.get", error="ACCESS_DENIED", description="no"))
    assert installation.sync(portal)["user"].error
    checked = last(installation)
    assert {key[0] for key in checked} == {"lead", "deal"}
    assert min(row["checked_at"] for row in checked.values()) > max(
        row["checked_at"] for row in before.values()
    )


def test_checks_of_long_ago_are_forgotten(installation: Installation, portal: Portal) -> None:
    """Thirty days are kept."""
    execute(installation.warehouse, "update reconciliation set checked_at = checked_at - interval '31 days'")
    check(installation, portal)
    (row,) = installation.rows(
        "select min(checked_at) > now() - interval '1 day' as fresh from reconciliation"
    )
    assert row["fresh"]


def test_fields_that_are_not_kept_are_not_compared(installation: Installation, sandbox: Sandbox) -> None:
    """Without amounts only counts and places are; without stages nothing is."""
    portal = installation.add(sandbox)
    kept = {"lead": ["STATUS_ID"], "deal": ["TITLE"]}
    worked(installation.sync(portal, options=Options(select=kept)))
    found = last(installation)
    assert {key[0] for key in found} == {"lead"}
    assert all(row["is_equal"] and row["portal_amounts"] is None for row in found.values())
    assert sum(row["rows_compared"] for row in found.values()) == 60
