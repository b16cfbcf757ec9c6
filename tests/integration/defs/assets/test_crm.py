"""Assets against a sandbox portal: what is stored, and what Dagster is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster import DagsterEventType, DagsterInstance
from dagster._core.instance.ref import InstanceRef

from b24_pipeline.definitions import defs
from b24_pipeline.defs.assets.crm import changes, cohorts
from b24_pipeline.defs.assets.failures import told_in_one_line
from b24_pipeline.defs.assets.models import models, project
from b24_pipeline.defs.assets.partitions import cohort_key
from b24_pipeline.defs.checks import CHECKS, agrees_with_portal, counts, events_arrive, fresh
from b24_pipeline.defs.instance.runless import report_outcomes
from b24_pipeline.defs.ops.prune import prune
from b24_pipeline.defs.resources import B24
from b24_pipeline.errors import PortalUnreachable, UnknownPortal
from b24_pipeline.models import build
from b24_pipeline.paths import bundled
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.sync.run import SyncRequest, sync_portals
from tests.integration.defs.conftest import connect

RESOURCES = {"b24": B24()}
PORTAL = "acme"
DEALS = dg.AssetKey(["raw", "deals"])


def ids(runtime: Runtime, table: str) -> list[int]:
    with runtime.warehouse.connect() as connection:
        query = psycopg.sql.SQL("select id from {} where deleted_at is null order by id")
        return [number for (number,) in connection.execute(query.format(psycopg.sql.Identifier(table)))]


def run_changes(instance: DagsterInstance, portal: str = PORTAL) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("changes")
    return job.execute_in_process(instance=instance, partition_key=portal, raise_on_error=False)


def reason_of(failed: dg.DagsterEvent) -> str:
    """What the step gives as its reason."""
    failure = failed.step_failure_data.user_failure_data
    assert failure
    return str(failure.description)


def run_cohorts(
    instance: DagsterInstance, first: date, last: date, portals: tuple[str, str] = (PORTAL, PORTAL)
) -> dg.ExecuteInProcessResult:
    """As the UI starts a backfill of raw/deals."""
    return defs.resolve_job_def("__ASSET_JOB").execute_in_process(
        instance=instance,
        asset_selection=[DEALS],
        tags={
            "dagster/asset_partition_range_start": cohort_key(first, portals[0]),
            "dagster/asset_partition_range_end": cohort_key(last, portals[1]),
        },
        raise_on_error=False,
    )


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    found = [e.materialization for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION"]
    return {m.asset_key.to_user_string(): {k: v.value for k, v in m.metadata.items()} for m in found}


def test_changes_copies_the_portal_and_builds_the_models(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """One run leaves the database as the portal is, and says so with figures."""
    result = run_changes(instance)
    assert result.success
    for entity, table in {"lead": "bitrix24_leads", "deal": "bitrix24_deals"}.items():
        assert ids(installation, table) == sorted(sandbox.truth.entities(entity)["ID"])
    told = materialized(result)
    assert set(told) >= {"raw/changes", "raw/deals", "raw/status_history", "raw/stages", *project.models}
    assert told["raw/changes"]["rows_read"] > 140
    assert told["raw/changes"]["requests"] > 0
    assert told["raw/deals"]["rows"] == 80
    assert told["raw/deals"]["watermark"]
    assert "opportunity" in [column.name for column in told["raw/deals"]["dagster/column_schema"].columns]
    assert told["int_entity"]["dagster/row_count"] == 140
    assert "data:image/svg+xml;base64," in told["funnel_stats"]["funnel"]
    evaluated = result.get_asset_check_evaluations()
    assert {check.check_name for check in evaluated if not check.passed} == set()
    assert len(evaluated) == 1 + sum(len(model.tests) for model in project.models.values())


def test_changes_marks_the_cohorts_that_it_touched(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """Afterwards the UI shows those months of the portal as materialized, and no others."""
    assert run_changes(instance).success
    created = sandbox.truth.entities("deal")["DATE_CREATE"].dt.tz_convert("Europe/Moscow")
    months = {date(moment.year, moment.month, 1) for moment in created}
    for table in ("deals", "status_history"):
        key = dg.AssetKey(["raw", table])
        latest = instance.event_log_storage.get_latest_storage_id_by_partition(
            key, DagsterEventType.ASSET_MATERIALIZATION
        )
        assert set(latest) >= {cohort_key(month, PORTAL) for month in months}
        assert table == "status_history" or len(latest) == len(months)


def test_a_range_of_cohorts_is_read_in_one_run(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """Exactly the deals created in the range arrive, and each of its months is materialized."""
    created = sandbox.truth.entities("deal")[["ID", "DATE_CREATE"]]
    local = created["DATE_CREATE"].dt.tz_convert("Europe/Moscow")
    expected = created[(local >= "2026-08-01") & (local < "2026-10-01")]["ID"]
    first, last = date(2026, 8, 1), date(2026, 9, 1)
    assert run_cohorts(instance, first, last).success
    assert ids(installation, "bitrix24_deals") == sorted(expected)
    assert ids(installation, "bitrix24_leads") == []
    assert instance.get_materialized_partitions(DEALS) == {
        cohort_key(first, PORTAL),
        cohort_key(last, PORTAL),
    }


@pytest.mark.parametrize("is_refused", [False, True])
def test_cohorts_of_two_portals_are_read_in_one_run(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox, is_refused: bool
) -> None:
    """As a backfill of one month for all portals is; a refused credential fails the run, and its own part alone."""
    month = date(2026, 9, 1)
    instance.add_dynamic_partitions("portals", ["globex"])
    with Sandbox(SandboxConfig(leads=0, deals=40, seed=9)) as other:
        credential = other.webhook_url
        connect(installation, f"{credential[:-2]}x/" if is_refused else credential, "globex")
        result = run_cohorts(instance, month, month, (PORTAL, "globex"))
        assert result.success is not is_refused
    read = {cohort_key(month, PORTAL)} | (set() if is_refused else {cohort_key(month, "globex")})
    assert instance.get_materialized_partitions(DEALS) == read
    if not is_refused:
        assert materialized(result)["raw/deals"]["rows"] == len(ids(installation, "bitrix24_deals"))


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
    assert found["raw/deals"].description == "acme: 79 here, 80 in the portal"


def test_freshness_names_a_portal_that_was_never_read(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """It passes once every entity was read."""
    before = check(instance, fresh)["raw/changes"]
    assert (before.passed, before.description) == (False, "acme: never")
    assert run_changes(instance).success
    assert check(instance, fresh)["raw/changes"].passed


def test_a_model_that_fails_its_test_stops_the_run_with_one_line(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """What was built is told, the failed check is shown, and the message names model and test."""
    assert run_changes(instance).success
    with installation.warehouse.connect() as connection:
        connection.execute(
            "alter table bitrix24_pipelines drop constraint bitrix24_pipelines_entity_type_check"
        )
        connection.execute("update bitrix24_pipelines set entity_type = 'quote' where entity_type = 'lead'")
    result = dg.materialize([models], resources=RESOURCES, instance=instance, raise_on_error=False)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    message = reason_of(failed)
    assert "accepted_values" in message
    assert [one for one in result.get_asset_check_evaluations() if not one.passed]


def test_a_refused_credential_fails_the_run_once_and_without_its_secret(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """A retry would not help; the message says what to do, and the models are not touched."""
    secret = "wrongsecret12345"
    with Sandbox(sandbox.config) as other:
        connect(installation, f"{other.url}/rest/1/{secret}/", name="globex")
        instance.add_dynamic_partitions("portals", ["globex"])
        result = run_changes(instance, "globex")
    assert not result.success
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    message = reason_of(failed)
    assert message.startswith("globex: ")
    assert "\n" not in message
    assert not any(secret in str(event) for event in result.all_events)


def test_only_what_may_pass_is_tried_again() -> None:
    """A portal that is away may come back; a name that does not exist stays unknown."""
    for error, again in ((PortalUnreachable("acme", "is away"), True), (UnknownPortal("x", []), False)):
        with pytest.raises(dg.Failure) as raised, told_in_one_line():
            raise error
        assert raised.value.allow_retries is again


def test_what_the_commands_did_is_reported_without_a_run(
    installation: Runtime, database_url: str, sandbox: Sandbox
) -> None:
    """Nothing where Dagster was never used; else cohorts, directories, models and their tests."""
    portals = installation.portals.named()
    outcomes = sync_portals(installation.connections, portals, SyncRequest(), installation.options())
    built = build(installation.warehouse.connect, project)
    assert not report_outcomes(installation.settings, outcomes, built)
    with DagsterInstance.from_ref(instance_ref(installation)) as instance:
        assert instance.get_runs_count() == 0
        assert report_outcomes(installation.settings, outcomes, built)
        assert instance.get_dynamic_partitions("portals") == [PORTAL]
        assert len(instance.get_materialized_partitions(DEALS)) > 3
        assert instance.get_materialized_partitions(dg.AssetKey(["raw", "stages"])) == {PORTAL}
        event = instance.get_latest_materialization_event(dg.AssetKey(["funnel_stats"]))
        assert event
        assert event.asset_materialization
        assert "funnel" in event.asset_materialization.metadata
    with psycopg.connect(database_url) as connection:
        query = "select count(*) from information_schema.tables where table_schema = 'public' and table_name = 'runs'"
        assert connection.execute(query).fetchone() == (0,)


def test_old_runs_go_unless_they_hold_the_last_word(installation: Runtime, instance: DagsterInstance) -> None:
    """Two of three runs are superseded by the last; a cohort that nobody read again keeps its run."""
    job = defs.resolve_job_def("pipelines")
    runs = [job.execute_in_process(instance=instance, partition_key=PORTAL).run_id for _ in range(3)]
    other = run_cohorts(instance, date(2026, 8, 1), date(2026, 8, 1)).run_id
    assert prune(instance, datetime.now(UTC) + timedelta(hours=1)) == 2
    assert {run.run_id for run in instance.get_runs()} == {runs[2], other}


def instance_ref(runtime: Runtime) -> InstanceRef:
    """As dagster.yaml makes it."""
    home = runtime.settings.b24_home
    return InstanceRef.from_dir(str(home), config_dir=str(bundled("dagster.yaml").parent))


def test_the_nightly_comparison_repairs_and_tells(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """A row that no watermark brings back is fetched; its cohort is materialized; the checks agree."""
    assert run_changes(instance).success
    number = ids(installation, "bitrix24_deals")[5]
    with installation.warehouse.connect() as connection:
        connection.execute("delete from bitrix24_deals where id = %s", (number,))
    result = defs.resolve_job_def("reconcile").execute_in_process(instance=instance, partition_key=PORTAL)
    assert result.success
    assert number in ids(installation, "bitrix24_deals")
    assert "raw/deals" in materialized(result)
    coverage = [one for one in CHECKS if "compared_with_portal" in str(one.check_keys)]
    assert len(coverage) == 4
    for check in coverage:
        assert asked(check).passed


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
    assert figures["differing"].records == []

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
    assert "raw/deals" in materialized(result)
    assert agreement_of(run_changes(instance)).passed

    with installation.warehouse.connect() as connection:
        connection.execute(
            "update reconciliation set is_equal = false, is_explained = false, explanation = 'told so' "
            "where status_id = 'C4:NEW'"
        )
    (wrong,) = check(instance, agrees_with_portal).values()
    assert (wrong.passed, wrong.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert wrong.description == "acme: deal 4/C4:NEW: told so"
