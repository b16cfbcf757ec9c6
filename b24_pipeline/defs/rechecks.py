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
    """The checks of raw tables that did not pass the last time, anew, after a read of `portals`.

    So what is good again is green at once. Rows are counted in the portals only if all connected ones answered that
    read.
    """
    names = {entity: (COUNTS, COMPARED, *([ORPHANS] if entity in STAGED else [])) for entity in COUNTED}
    keys = {
        dg.AssetCheckKey(BY_OUTCOME[entity].key, name): entity for entity in COUNTED for name in names[entity]
    }
    wrong = {key: keys[key] for key, result in known.results(list(keys)).items() if not result.passed}
    found = []
    with runtime.warehouse.connect() as connection:
        found += [find_orphans(connection, entity) for key, entity in wrong.items() if key.name == ORPHANS]
        found += [
            find_uncompared(connection, entity) for key, entity in wrong.items() if key.name == COMPARED
        ]
    is_counted = any(key.name == COUNTS for key in wrong)
    if is_counted and {portal.name for portal in runtime.portals.named()} <= set(portals):
        found += [result for result in find_miscounts(runtime) if check_key(result) in wrong]
    yield from evaluations(known, found)
