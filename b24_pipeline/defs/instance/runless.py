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

from b24_pipeline.defs.assets.check_events import evaluations
from b24_pipeline.defs.assets.materializations import (
    earlier_matches,
    materializations,
    read_changes_event,
)
from b24_pipeline.defs.assets.model_checks import check_results
from b24_pipeline.defs.assets.model_events import (
    changed_models,
    model_evaluations,
    model_materializations,
    outdated_model_events,
    unknown_model_events,
)
from b24_pipeline.defs.assets.partitions import PORTALS
from b24_pipeline.defs.assets.proved_months import earlier_proofs
from b24_pipeline.defs.assets.raw_tables import CHANGES
from b24_pipeline.defs.checks import read_evaluations
from b24_pipeline.defs.instance.storage import storage_url
from b24_pipeline.defs.known_assets import Event, KnownAssets, stored_names
from b24_pipeline.defs.sync_checks import sync_results
from b24_pipeline.models import BuildResult
from b24_pipeline.runtime import Runtime, database_url, opened
from b24_pipeline.settings import Settings
from b24_pipeline.store.database.dagster_schema import is_set_up
from b24_pipeline.store.database.private_files import home_folder, private_folder
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portal_names import fits_dagster
from b24_pipeline.sync.outcome import Outcome


def report_outcomes(
    settings: Settings, outcomes: Sequence[Outcome], build_result: BuildResult | None = None
) -> bool:
    """Reports the outcomes of a sync and of a build; returns False where Dagster has no storage in this database."""
    with opened(settings) as runtime:
        with runtime.warehouse.connect() as connection:
            if not is_set_up(connection):
                return False
        with _instance(runtime) as instance:
            names = [portal.name for portal in _portals(runtime)]
            instance.add_dynamic_partitions(PORTALS.name or "", names)
            asset_names = stored_names(instance)
            known = KnownAssets(instance, asset_names)
            for event in _events(known, runtime, outcomes, build_result):
                instance.report_runless_asset_event(asset_names.event(event))
    return True


def _portals(runtime: Runtime) -> list[Portal]:
    """All portals but those whose names Dagster takes for a range of partitions."""
    return [portal for portal in runtime.portals.all() if fits_dagster(portal.name)]


def _events(
    known: KnownAssets, runtime: Runtime, outcomes: Sequence[Outcome], built: BuildResult | None
) -> Iterator[Event]:
    """What was read and built, and then the checks of that: each is stored before the next is asked for."""
    materialized = set()
    for portal in _portals(runtime):
        done = [outcome for outcome in outcomes if outcome.portal == portal.name]
        for event in _portal_events(known, runtime, portal, done):
            if isinstance(event, dg.AssetMaterialization):
                materialized.add(event.asset_key)
            yield event
    # no portal is asked: the command has ended for the user
    yield from read_evaluations(known, runtime, materialized, (), outcomes)
    if CHANGES in materialized:
        with runtime.warehouse.connect() as connection:
            unread = {outcome.portal for outcome in outcomes if outcome.error}
            yield from evaluations(known, sync_results(connection, unread))
    if built:
        yield from unknown_model_events(known, runtime)
        changed = {done.name for done in changed_models(built)}
        yield from model_materializations(known, runtime, built.models, changed)
        yield from model_evaluations(known, [done.name for done in built.models], check_results(built.tests))
        yield from outdated_model_events(known)


def _portal_events(
    known: KnownAssets, runtime: Runtime, portal: Portal, outcomes: Sequence[Outcome]
) -> Iterator[Event]:
    """What was read of a portal; with its first sync that Dagster is told of, also what was proved before."""
    is_new = portal.name not in known.partitions(CHANGES)
    synced = list(read_changes_event(portal, outcomes))
    yield from synced
    yield from materializations(runtime.warehouse, portal, outcomes, known)
    if synced:
        yield from earlier_proofs(runtime.warehouse, portal, known, only_failed=not is_new)
    if synced and is_new:
        yield from earlier_matches(runtime.warehouse, portal, known)


@contextmanager
def _instance(runtime: Runtime) -> Iterator[DagsterInstance]:
    """An instance of Dagster that uses its storage in our database."""
    settings, is_pooled = runtime.settings, runtime.warehouse.sessions.is_pooled
    storage = {"postgres": {"postgres_url": storage_url(database_url(settings), is_pooled=is_pooled)}}
    folder = private_folder(home_folder(settings.b24_home) / "dagster")
    ref = InstanceRef.from_dir(str(folder), overrides={"storage": storage})
    with DagsterInstance.from_ref(ref) as instance:
        yield instance
