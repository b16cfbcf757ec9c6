"""Checks of raw tables that did not pass, evaluated anew by the next run, though nothing of them was materialized."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import dagster as dg

from b24_pipeline.defs.assets.check_events import evaluations
from b24_pipeline.defs.assets.raw_tables import BY_OUTCOME
from b24_pipeline.defs.checks import (
    COMPARED,
    COUNTED,
    COUNTS,
    ORPHANS,
    STAGED,
    find_miscounts,
    find_orphans,
    find_uncompared,
)
from b24_pipeline.defs.known_assets import KnownAssets, check_key
from b24_pipeline.runtime import Runtime


def rechecked(
    known: KnownAssets, runtime: Runtime, portals: Collection[str]
) -> Iterator[dg.AssetCheckEvaluation]:
    """The checks of raw tables that did not pass the last time and are good again, after a read of `portals`.

    So they are green at once. Where counts did not agree, rows are counted anew, if all connected portals answered that
    read, and what is found is told in any case.
    """
    keys = {
        dg.AssetCheckKey(BY_OUTCOME[entity].key, name): entity
        for name, entities in ((COUNTS, COUNTED), (COMPARED, COUNTED), (ORPHANS, STAGED))
        for entity in entities
    }
    wrong = {key: keys[key] for key, result in known.results(list(keys)).items() if not result.passed}
    if not wrong:
        return
    with runtime.warehouse.connect() as connection:
        found = [find_orphans(connection, entity) for key, entity in wrong.items() if key.name == ORPHANS]
        found += [
            find_uncompared(connection, entity) for key, entity in wrong.items() if key.name == COMPARED
        ]
    told = [result for result in found if result.passed]
    are_counts_wrong = any(key.name == COUNTS for key in wrong)
    if are_counts_wrong and {portal.name for portal in runtime.portals.named()} <= set(portals):
        told += [result for result in find_miscounts(runtime) if check_key(result) in wrong]
    yield from evaluations(known, told)
