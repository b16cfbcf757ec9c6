"""Invoices, quotes and smart processes as an asset: read where they were chosen, and told by every sync."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.definitions import defs
from b24_pipeline.defs.assets.raw_tables import ITEMS
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.portals import entity_choice
from tests.integration.defs.assets.conftest import ids, materialized, run_changes
from tests.integration.defs.conftest import connect

OTHER = "smart"
COUNT = 7


@pytest.fixture
def portal(installation: Runtime, instance: DagsterInstance) -> Iterator[Sandbox]:
    """A portal with a smart process beside `acme`, which has none."""
    with Sandbox(SandboxConfig(leads=5, deals=5, smart_types=1, smart_items=COUNT)) as sandbox:
        connect(installation, sandbox.webhook_url, OTHER)
        instance.add_dynamic_partitions("portals", [OTHER])
        yield sandbox


def choose(installation: Runtime, portal: Sandbox) -> str:
    """Has the smart process of the portal read; returns our name of it."""
    (name,) = (f"item_{number}" for number in portal.truth.types()["entity_type_id"])
    account = next(one.id for one in installation.portals.all() if one.name == OTHER)
    installation.warehouse.transact(entity_choice.choose, account, [name])
    return name


def materialize(instance: DagsterInstance) -> dg.ExecuteInProcessResult:
    """As the button of the asset does it for a portal."""
    return defs.resolve_job_def("__ASSET_JOB").execute_in_process(
        instance=instance, asset_selection=[ITEMS.key], partition_key=OTHER, raise_on_error=False
    )


def test_the_button_reads_what_was_chosen(
    installation: Runtime, instance: DagsterInstance, portal: Sandbox
) -> None:
    """Before, it says that nothing was, and reads nothing at all; deals are not read either."""
    told = materialized(materialize(instance))["raw/items"]
    assert (told["dagster/partition_row_count"], told["requests"]) == (0, 0)
    assert "b24 portal entities" in told["chosen"]
    name = choose(installation, portal)
    assert run_changes(instance, OTHER).success
    told = materialized(materialize(instance))["raw/items"]
    assert (told["dagster/partition_row_count"], told["chosen"]) == (COUNT, name)
    assert told["requests"] == 1
    assert len(ids(installation, "bitrix24_items")) == COUNT


def test_a_sync_tells_what_it_read(installation: Runtime, instance: DagsterInstance, portal: Sandbox) -> None:
    """The items and the smart processes of the portal are materialized with its other tables."""
    choose(installation, portal)
    told = materialized(run_changes(instance, OTHER))
    assert told["raw/items"]["dagster/partition_row_count"] == COUNT
    assert told["raw/smart_types"]["dagster/partition_row_count"] == 1


def test_items_that_the_portal_refuses_fail_the_run(
    installation: Runtime, instance: DagsterInstance, portal: Sandbox
) -> None:
    """What went wrong is told by the run, and no materialization says that they were read."""
    account = next(one.id for one in installation.portals.all() if one.name == OTHER)
    installation.warehouse.transact(entity_choice.choose, account, ["quote"])
    result = materialize(instance)
    assert not result.success
    assert "raw/items" not in materialized(result)
