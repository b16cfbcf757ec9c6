"""The definitions load without a database, and are what the documentation says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.run_coordinator import QueuedRunCoordinator
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

from b24_pipeline.definitions import defs
from b24_pipeline.defs.assets.crm import QUALIFICATION
from b24_pipeline.defs.assets.models import project
from b24_pipeline.defs.assets.own_leads import OWN, OWN_TABLES
from b24_pipeline.defs.assets.partitions import cohort_key, last_months, ranges_by_portal
from b24_pipeline.defs.assets.raw_tables import COHORT_TABLES, PORTAL_TABLES, PORTALS_KEY, RECONCILIATION
from b24_pipeline.defs.instance.storage import storage_url
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.schedules import PORTALS_A_RUN, changes_every_10_minutes, cohorts_nightly
from b24_pipeline.defs.sensors import new_portals
from b24_pipeline.paths import bundled
from b24_pipeline.store.marts.sources import LOG, PROGRESS
from b24_pipeline.sync.crm.scope import Days
from b24_pipeline.sync.run import COHORT_ENTITIES

OUR_JOBS = (
    "changes",
    "pipelines",
    "matches",
    "cohorts",
    "reconcile",
    "checks",
    "drain",
    "models",
    "maintenance",
)

TICK = datetime(2026, 11, 23, 8, 50, tzinfo=UTC)


class Connected(B24):
    """An installation with some portals and no database."""

    names: list[str] = ["acme", "globex"]  # noqa: RUF012 - a field of the resource

    def connected_portals(self) -> list[str]:
        return self.names

    def known_portals(self) -> set[str]:
        return {*self.names, "disconnected"}


@contextmanager
def scheduled(
    instance: DagsterInstance, installation: Connected | None = None
) -> Iterator[dg.ScheduleEvaluationContext]:
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=TICK,
        resources={"b24": installation or Connected()},
    ) as context:
        yield context


def requests_of(answer: Any) -> list[dg.RunRequest]:
    """The runs that a schedule asks for."""
    requests = list(answer)
    assert all(isinstance(one, dg.RunRequest) for one in requests)
    return requests


@pytest.fixture(scope="module")
def new_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an instance that nothing has happened in yet; making its tables takes longer than the tests."""
    folder = tmp_path_factory.mktemp("instance")
    with DagsterInstance.local_temp(str(folder)):
        return folder


@pytest.fixture
def instance(new_instance: Path, tmp_path: Path) -> Iterator[DagsterInstance]:
    shutil.copytree(new_instance, tmp_path, dirs_exist_ok=True)
    with DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def test_definitions_load() -> None:
    """The definitions load without a database."""
    dg.Definitions.validate_loadable(defs)


def test_every_asset_has_its_group_and_partitions() -> None:
    """A change of this snapshot changes what people have on their screens."""
    graph = defs.resolve_asset_graph()
    cohorts = {f"raw/{name}" for name in ("leads", "deals", "contacts", "companies", "status_history")}
    portals = {f"raw/{name}" for name in ("changes", "pipelines", "stages", "statuses", "fields", "users")}
    portals |= {"raw/departments", "raw/currencies", "raw/smart_types", "raw/items"}
    own = {f"own/{name}" for name in ("leads", "creatives", "directions", "lead_matches")}
    portals |= {"own/lead_matches", "raw/contact_links"}
    found = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
    alone = {"raw/portals", "raw/reconciliation", "raw/qualification"}
    assert set(found) == cohorts | portals | own | alone | set(project.models)
    for name, node in found.items():
        assert node.description, name
        layer = project.models[name].layer if name in project.models else "links" if name in own else "raw"
        assert node.group_name == layer, name
        dimensions = getattr(node.partitions_def, "partition_dimension_names", None)
        assert (dimensions == ["month", "portal"]) is (name in cohorts), name
        assert ("in the portal's own time zone" in node.description) is (name in cohorts), name
        assert (node.partitions_def is None) is (name not in cohorts | portals), name


def test_each_source_of_the_models_is_an_asset_on_the_same_table() -> None:
    """Lineage breaks where a dbt source and an asset are called differently."""
    tables = {tuple(table.key.path): table.table for table in (*COHORT_TABLES, *PORTAL_TABLES)}
    tables[tuple(PORTALS_KEY.path)] = "user_accounts"
    tables[tuple(RECONCILIATION.path)] = "reconciliation"
    tables |= {(OWN, name): table for name, table in {**OWN_TABLES, "lead_matches": "lead_matches"}.items()}
    tables[tuple(QUALIFICATION.path)] = "bitrix24_qualification"
    for key, source in project.sources.items():
        assert source.relation in (LOG, PROGRESS) or tables[key] == source.table


def test_each_entity_of_a_backfill_is_an_asset() -> None:
    """The entities of a backfill are exactly the assets of cohorts."""
    assert tuple(table.entity for table in COHORT_TABLES) == COHORT_ENTITIES


def test_jobs_schedules_and_sensors() -> None:
    """All schedules and sensors are on from the start, so that the copy is kept up to date."""
    schedules = {one.name: one for one in defs.schedules or ()}
    assert {name: getattr(one, "cron_schedule", None) for name, one in schedules.items()} == {
        "changes_every_10_minutes": "*/10 * * * *",
        "pipelines_hourly": "5 * * * *",
        "matches_hourly": "20 * * * *",
        "cohorts_nightly": "15 2 * * *",
        "reconcile_nightly": "15 3 * * *",
        "checks_hourly": "30 * * * *",
        "model_tests_nightly": "15 4 * * *",
        "maintenance_nightly": "45 4 * * *",
    }
    assert all(one.default_status == dg.DefaultScheduleStatus.RUNNING for one in schedules.values())
    assert {one.name for one in defs.jobs or ()} == {*OUR_JOBS, "model_tests"}
    sensors = {one.name: one for one in defs.sensors or ()}
    assert set(sensors) == {"new_portals", "inbound_events", "requested_runs", "abandoned_runs"}
    assert sensors["inbound_events"].minimum_interval_seconds == 5
    assert all(one.default_status == dg.DefaultSensorStatus.RUNNING for one in sensors.values())
    assert all(one.description for one in (*schedules.values(), *sensors.values()))
    page = (bundled("docs") / "dagster.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in (*schedules, *sensors))


def portals_in(request: dg.RunRequest) -> list[str]:
    """The portals that a run is to read."""
    (op,) = request.run_config["ops"].values()
    return list(op["config"]["portals"])


def test_changes_are_read_from_groups_of_portals(instance: DagsterInstance) -> None:
    """Few portals share one run; many share several, each portal in one of them."""
    with scheduled(instance) as context:
        (request,) = requests_of(changes_every_10_minutes(context))
    assert portals_in(request) == ["acme", "globex"]
    assert (request.run_key, request.partition_key) == ("0:2026-11-23T08:50", None)
    assert set(instance.get_dynamic_partitions("portals")) == {"acme", "globex"}
    names = [f"portal {number:02}" for number in range(2 * PORTALS_A_RUN + 1)]
    with scheduled(instance, Connected(names=names)) as context:
        requests = requests_of(changes_every_10_minutes(context))
    assert [portal for one in requests for portal in portals_in(one)] == names
    assert [len(portals_in(one)) for one in requests] == [PORTALS_A_RUN, PORTALS_A_RUN, 1]
    assert len({one.run_key for one in requests}) == 3


@pytest.mark.parametrize(
    ("unfinished", "starts"),
    [
        ([], True),
        ([dg.DagsterRunStatus.STARTED], True),  # a portal is read for the first time, the others go on
        ([dg.DagsterRunStatus.NOT_STARTED], False),
        ([dg.DagsterRunStatus.STARTED] * 4, False),
    ],
)
def test_runs_of_a_job_do_not_pile_up(
    instance: DagsterInstance, unfinished: list[dg.DagsterRunStatus], starts: bool
) -> None:
    """A run that a slow portal holds up lets the next one begin; runs that wait, or too many, do not."""
    for status in unfinished:
        instance.add_run(dg.DagsterRun(job_name="changes", status=status))
    instance.add_run(dg.DagsterRun(job_name="changes", status=dg.DagsterRunStatus.FAILURE))
    with scheduled(instance) as context:
        assert bool(requests_of(changes_every_10_minutes(context))) is starts


def test_recent_months_are_read_again_at_night(instance: DagsterInstance) -> None:
    """One run reads them of all portals; which months they are it finds itself."""
    with scheduled(instance) as context:
        (request,) = requests_of(cohorts_nightly(context))
    assert portals_in(request) == ["acme", "globex"]


def test_a_new_portal_becomes_a_partition(instance: DagsterInstance) -> None:
    """A new portal gets a partition, once, and is read at once."""
    with dg.build_sensor_context(instance=instance, resources={"b24": Connected()}) as context:
        found = new_portals(context)
        assert isinstance(found, dg.SensorResult)
        (request,) = found.dynamic_partitions_requests or ()
        assert request.partition_keys == ["acme", "globex"]
        assert [portals_in(run) for run in found.run_requests or ()] == [["acme", "globex"]]
        instance.add_dynamic_partitions("portals", [*request.partition_keys, "disconnected"])
        assert isinstance(new_portals(context), dg.SkipReason)


def test_a_partition_that_no_portal_is_called_by_goes(instance: DagsterInstance) -> None:
    """Dagster lets people add any name to the partitions, and runs of it would fail."""
    instance.add_dynamic_partitions("portals", ["acme", "amce", "globex", "disconnected"])
    with dg.build_sensor_context(instance=instance, resources={"b24": Connected()}) as context:
        found = new_portals(context)
    assert isinstance(found, dg.SensorResult)
    assert not found.run_requests
    (request,) = found.dynamic_partitions_requests or ()
    assert isinstance(request, dg.DeleteDynamicPartitionsRequest)
    assert list(request.partition_keys) == ["amce"]
    assert "amce" in str(found.skip_reason)


def test_whoever_launches_a_job_is_asked_for_portals_alone() -> None:
    """Neither our resource has configuration, nor is there a partition that says the same a second way."""
    for name in OUR_JOBS:
        job = defs.resolve_job_def(name)
        assert job.partitions_def is None, name
        fields: Any = job.run_config_schema.config_type
        for part in ("resources", "b24", "config"):
            fields = fields.fields[part].config_type
        assert not fields.fields, name


def test_cohorts_become_as_few_ranges_as_possible() -> None:
    """Neighbouring months of a portal are read as one range."""
    months = [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 3, 1)]
    keys = [cohort_key(month, "acme") for month in months] + [cohort_key(date(2026, 2, 1), "globex")]
    assert ranges_by_portal(keys) == {
        "acme": [Days(date(2025, 11, 1), date(2026, 1, 31)), Days(date(2026, 3, 1), date(2026, 3, 31))],
        "globex": [Days(date(2026, 2, 1), date(2026, 2, 28))],
    }
    assert last_months(date(2026, 1, 31), 2) == [date(2025, 12, 1), date(2026, 1, 1)]


def test_the_instance_accepts_our_dagster_yaml(tmp_path: Path) -> None:
    """Its keys are checked against Dagster's schema; the storage is ours."""
    ref = InstanceRef.from_dir(str(tmp_path), config_dir=str(bundled("dagster.yaml").parent))
    assert ref.storage_data
    assert ref.storage_data.class_name == "OurStorage"
    assert ref.run_coordinator_data
    queue = ref.run_coordinator_data.rehydrate(as_type=QueuedRunCoordinator)
    assert (queue.dequeue_use_threads, queue.dequeue_num_workers) == (True, 4)
    monitoring: Any = ref.settings["run_monitoring"]
    assert monitoring["max_runtime_seconds"] == 7200
    assert ref.settings["telemetry"] == {"enabled": False}


def test_both_ways_to_start_dagster_call_the_location_the_same() -> None:
    """Dagster keeps the state of schedules and sensors by the name of the location."""
    workspace = yaml.safe_load(bundled("workspace.yaml").read_text())
    (location,) = workspace["load_from"]
    assert location["python_module"]["location_name"] == "b24"
    assert location["python_module"]["working_directory"] == "."


@pytest.mark.parametrize(
    ("ours", "options"),
    [
        ("postgresql://u:p%40ss@db:5432/b24?sslmode=require", "-csearch_path=dagster"),
        ("postgres://u@db/b24?options=-cjit%3Doff", "-cjit=off -csearch_path=dagster"),
    ],
)
def test_dagster_stores_in_a_schema_of_its_own(ours: str, options: str) -> None:
    """Options of the user's URL stay beside the schema; all else is as it was given."""
    url = make_url(storage_url(ours))
    assert url.drivername == "postgresql+psycopg2"
    given = conninfo_to_dict(str(url.query["dsn"]))
    assert given == {**conninfo_to_dict(ours), "options": options}
