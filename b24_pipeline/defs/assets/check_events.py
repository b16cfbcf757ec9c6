"""Results of asset checks that no step of Dagster has evaluated: each as the evaluation of a materialization.

The UI shows a check as evaluated only if its last result is of the last materialization of its asset, so whatever
reports a materialization reports the checks of the asset after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from b24_pipeline.defs.known_assets import KnownAssets, check_key


def evaluations(
    known: KnownAssets, results: Sequence[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckEvaluation]:
    """The results as evaluations of the last materialization of their assets."""
    targets = known.materializations({check_key(result).asset_key for result in results})
    for result in results:
        key = check_key(result)
        yield dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=result.passed,
            severity=result.severity,
            description=result.description,
            metadata=result.metadata,
            target_materialization_data=targets.get(key.asset_key),
        )


def changed_results(known: KnownAssets, results: Sequence[dg.AssetCheckResult]) -> list[dg.AssetCheckResult]:
    """Those of the results that are other than the last ones of their checks."""
    before = known.results([check_key(result) for result in results])
    return [
        result
        for result in results
        if check_key(result) not in before or before[check_key(result)].passed != result.passed
    ]
