"""The asset checks: rows that are missing, portals that are silent, stages that differ."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.definitions import defs
from b24_pipeline.defs.assets.crm import changes, cohorts
from b24_pipeline.defs.assets.raw_tables import CHANGES
from b24_pipeline.defs.checks import CHECKS, _uncounted, counts
from b24_pipeline.defs.sync_checks import agrees_with_portal, events_arrive, fresh
from b24_pipeline.errors import PortalUnreachable
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Fault, Sandbox
from b24_pipeline.store.portals import pauses
from tests.integration.defs.assets.conftest import RESOURCES, ids, materialized, observed, run_changes

ORPHANS_OF_DEALS = dg.AssetCheckKey(dg.AssetKey(["raw", "deals"]), "no_unknown_stage")


def check(instance: DagsterInstance, *chosen: dg.AssetChecksDefinition) -> dict[str, dg.AssetCheckEvaluation]:
    result = dg.materialize(
        [cohorts, changes, *chosen],
        resources=RESOURCES,
        instance=instance,
        selection=dg.AssetSelection.checks(*chosen),
    )
    return {one.asset_key.to_user_string(): one for one in result.get_asset_check_evaluations()}


def asked(check: dg.AssetChecksDefinition) -> dg.AssetCheckResult:
    """The check called by itself, without a run."""
    result = check(RESOURCES["b24"])
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_counts_show_rows_that_are_missing(installation: Runtime, instance: DagsterInstance) -> None:
    """A copy that lacks a row fails the check of that table, and of no other."""
    assert run_changes(instance).success
    assert all(one.passed for one in check(instance, counts).values())
    with installation.warehouse.connect() as connection:
        connection.execute("delete from bitrix24_deals where id = (select min(id) from bitrix24_deals)")
    found = check(instance, counts)
    assert {key for key, one in found.items() if not one.passed} == {"raw/deals"}
    assert found["raw/deals"].severity == dg.AssetCheckSeverity.ERROR
    assert found["raw/deals"].description == "acme: 79 in the copy, 80 in the portal"
    assert found["raw/deals"].metadata["acme"].value == "79 in the copy, 80 in the portal"


def test_a_portal_that_does_not_answer_is_named_once(installation: Runtime) -> None:
    """Its name begins the line; the error that it ended with begins with it too."""
    portal = installation.portals.one("acme")
    assert str(_uncounted(portal, PortalUnreachable("acme", "is away"))["deal"]) == "acme: is away"


def test_freshness_names_a_portal_that_was_never_read(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """It passes once every entity was read."""
    before = check(instance, fresh)["raw/changes"]
    assert (before.passed, before.description) == (False, "acme: never")
    assert run_changes(instance).success
    assert check(instance, fresh)["raw/changes"].passed


def test_the_nightly_comparison_repairs_and_tells(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """A row that no watermark brings back is fetched; its cohort is materialized; the checks agree."""
    assert run_changes(instance).success
    number = ids(installation, "bitrix24_deals")[5]
    with installation.warehouse.connect() as connection:
        connection.execute("delete from bitrix24_deals where id = %s", (number,))
    result = defs.resolve_job_def("reconcile").execute_in_process(instance=instance)
    assert result.success
    assert number in ids(installation, "bitrix24_deals")
    assert "raw/deals" in materialized(result)
    coverage = [one for one in CHECKS if "compared_with_portal" in str(one.check_keys)]
    assert len(coverage) == 4
    assert all(asked(one).passed for one in coverage)


def test_checks_name_what_was_not_compared_and_who_is_silent(installation: Runtime) -> None:
    """Before the first sync nothing is proved."""
    check = next(one for one in CHECKS if "compared_with_portal" in str(one.check_keys))
    assert not asked(check).passed
    assert asked(events_arrive).passed
    with installation.warehouse.connect() as connection:
        connection.execute(
            "insert into bitrix24_event_health (user_account_id, unannounced, silent_since) "
            "select id, 7, now() from user_accounts"
        )
    result = asked(events_arrive)
    assert not result.passed
    assert "acme: 7 changes without an event" in str(result.description)


def agreement_of(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    """What the run of `changes` says of the stages."""
    (found,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "agrees_with_portal"]
    return found


def values_of(check: dg.AssetCheckEvaluation) -> dict[str, Any]:
    """The figures that the check has written down."""
    return {name: entry.value for name, entry in check.metadata.items()}


def test_a_row_whose_stage_is_known_again_is_green_with_the_next_changes(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """A deal in a stage that the portal does not have: the run that repairs it says that all is well."""
    run_changes(instance)
    number = ids(installation, "bitrix24_deals")[5]
    with installation.warehouse.connect() as connection:
        connection.execute("update bitrix24_deals set stage_id = 'NOSUCH' where id = %s", (number,))
    (orphans,) = [one for one in CHECKS if ORPHANS_OF_DEALS in one.check_keys]
    assert not check(instance, orphans)["raw/deals"].passed
    result = run_changes(instance)
    (told,) = [one for one in result.get_asset_check_evaluations() if one.asset_check_key == ORPHANS_OF_DEALS]
    assert told.passed


def test_a_pause_does_not_hide_what_was_proved(installation: Runtime, instance: DagsterInstance) -> None:
    """A stage that the portal deleted with rows in it: the last check of stages counts while nobody asks the portal."""
    run_changes(instance)
    with installation.warehouse.connect() as connection:
        connection.execute(
            "update bitrix24_pipeline_stages set deleted_at = now() where status_id = 'C4:NEW'"
        )
    (orphans,) = [one for one in CHECKS if ORPHANS_OF_DEALS in one.check_keys]
    before = asked(orphans)
    assert before.passed
    assert "acme: " in str(before.metadata["deleted stages, with as many as in the portal"].value)
    pauses.pause(installation.warehouse, installation.portals.one("acme"))
    assert asked(orphans).passed
    # the check of what is synced goes on to name connected portals alone
    assert asked(agrees_with_portal).metadata["stages"].value == 0


def test_changes_says_whether_the_stages_agree(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """A lost row is a warning with its id, for it was repaired; what stays wrong is an error."""
    (before,) = check(instance, agrees_with_portal).values()
    assert (before.passed, before.description) == (False, "acme: not compared")
    equal = agreement_of(run_changes(instance))
    assert equal.passed
    figures = values_of(equal)
    assert figures["stages"] > 20
    assert figures["rows_compared"] > 100
    assert "differing" not in figures

    number = ids(installation, "bitrix24_deals")[5]
    with installation.warehouse.connect() as connection:
        connection.execute("delete from bitrix24_deals where id = %s", (number,))
    result = run_changes(instance)
    assert result.success
    repaired = agreement_of(result)
    assert (repaired.passed, repaired.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert f"ids {number}; repaired right after the check" in str(repaired.description)
    (record,) = values_of(repaired)["differing"].records
    assert record.data["missing ids"] == str(number)
    assert record.data["in the portal"] == record.data["here"] + 1
    assert "raw/deals" in observed(result)
    assert agreement_of(run_changes(instance)).passed

    with installation.warehouse.connect() as connection:
        connection.execute(
            "update reconciliation set is_equal = false, is_explained = false, explanation = 'told so' "
            "where status_id = 'C4:NEW'"
        )
    (wrong,) = check(instance, agrees_with_portal).values()
    assert (wrong.passed, wrong.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert wrong.description == "acme: deal 4/C4:NEW: told so"


@pytest.mark.usefixtures("without_waits")
def test_a_portal_that_was_away_is_told_and_green_again(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """While it is away no check of it says that all is well; the first read after that counts it anew."""
    assert run_changes(instance).success
    sandbox.faults.add(Fault("html", status=403))
    away = run_changes(instance)
    assert not away.success
    key = dg.AssetCheckKey(CHANGES, "agrees_with_portal")
    told = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key].evaluation
    assert told
    assert not told.passed
    assert str(told.description).startswith("acme: could not be read, last compared ")
    assert not any(one.passed for one in check(instance, counts).values())
    assert "nothing was to be read" not in messages(away)

    sandbox.faults.clear()
    back = run_changes(instance)
    assert agreement_of(back).passed
    evaluated = {one.asset_key.to_user_string(): one for one in back.get_asset_check_evaluations()}
    assert {key for key, one in evaluated.items() if one.check_name == "counts_agree_with_portal"} == {
        "raw/leads",
        "raw/deals",
        "raw/contacts",
        "raw/companies",
    }
    assert all(one.passed for one in back.get_asset_check_evaluations())
    assert not [
        one
        for one in run_changes(instance).get_asset_check_evaluations()
        if one.check_name == "counts_agree_with_portal"
    ]


def messages(result: dg.ExecuteInProcessResult) -> str:
    """The lines that a reader of the run sees."""
    return "\n".join(str(event.message) for event in result.all_node_events)
