"""Reports to Dagster what commands did without it, so that its catalogue stays true.

`b24 sync` and similar commands need no Dagster and start in a second. Where Dagster keeps
its storage in the same database, their work is reported as events without a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from b24_pipeline.defs.assets.materializations import materializations
from b24_pipeline.defs.assets.model_events import evaluation
from b24_pipeline.defs.assets.models import model_key, model_metadata, project
from b24_pipeline.defs.assets.partitions import PORTALS
from b24_pipeline.defs.instance.storage import storage_url
from b24_pipeline.models import BuildResult
from b24_pipeline.runtime import Runtime, database_url, opened
from b24_pipeline.settings import Settings
from b24_pipeline.store.database.dagster_schema import is_set_up
from b24_pipeline.store.database.private_files import home_folder, private_folder
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portal_names import fits_dagster
from b24_pipeline.sync.outcome import Outcome

RunlessEvent = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


def report_outcomes(
    settings: Settings, outcomes: Sequence[Outcome], build_result: BuildResult | None = None
) -> bool:
    """Reports the outcomes of a sync and of a build; returns False where Dagster has no storage in this database."""
    with opened(settings) as runtime:
        with runtime.warehouse.connect() as connection:
            if not is_set_up(connection):
                return False
        with _instance(settings) as instance:
            names = [portal.name for portal in _portals(runtime)]
            instance.add_dynamic_partitions(PORTALS.name or "", names)
            for event in _events(instance, runtime, outcomes, build_result):
                instance.report_runless_asset_event(event)
    return True


def _portals(runtime: Runtime) -> list[Portal]:
    """All portals but those whose names Dagster takes for a range of partitions."""
    return [portal for portal in runtime.portals.all() if fits_dagster(portal.name)]


def _events(
    instance: DagsterInstance, runtime: Runtime, outcomes: Sequence[Outcome], built: BuildResult | None
) -> Iterator[RunlessEvent]:
    for portal in _portals(runtime):
        done = [outcome for outcome in outcomes if outcome.portal == portal.name]
        yield from materializations(runtime.warehouse, portal, done, instance.get_materialized_partitions)
    yield from _build_events(runtime, built)


def _build_events(runtime: Runtime, built: BuildResult | None) -> Iterator[RunlessEvent]:
    for result in built.models if built else ():
        metadata = model_metadata(runtime, project, result)
        yield dg.AssetMaterialization(model_key(result.name), metadata=metadata)
        yield from map(evaluation, result.tests)


@contextmanager
def _instance(settings: Settings) -> Iterator[DagsterInstance]:
    """An instance of Dagster that uses its storage in our database."""
    storage = {"postgres": {"postgres_url": storage_url(database_url(settings))}}
    folder = private_folder(home_folder(settings.b24_home) / "dagster")
    ref = InstanceRef.from_dir(str(folder), overrides={"storage": storage})
    with DagsterInstance.from_ref(ref) as instance:
        yield instance
