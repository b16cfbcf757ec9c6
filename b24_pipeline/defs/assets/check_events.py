"""Results of asset checks that no step of Dagster has evaluated: each as the evaluation of a materialization.

The UI shows a check as evaluated only if its last result is of the last materialization of its asset, so whatever
reports a materialization reports the checks of the asset after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg
from dagster import AssetCheckKey, DagsterInstance

# neither it nor anything like it has a public name
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

TESTED_AT = "tested_at"


def evaluations(
    instance: DagsterInstance, results: Sequence[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckEvaluation]:
    """The results as evaluations of the last materialization of their assets."""
    targets = _targets(instance, {check_key(result).asset_key for result in results})
    for result in results:
        yield dg.AssetCheckEvaluation(
            asset_key=check_key(result).asset_key,
            check_name=check_key(result).name,
            passed=result.passed,
            severity=result.severity,
            description=result.description,
            metadata=result.metadata,
            target_materialization_data=targets.get(check_key(result).asset_key),
        )


def changed_results(
    instance: DagsterInstance, results: Sequence[dg.AssetCheckResult]
) -> list[dg.AssetCheckResult]:
    """Those of the results that are other than the last ones of their checks."""
    before = last_results(instance, [check_key(result) for result in results])
    return [
        result
        for result in results
        if check_key(result) not in before or before[check_key(result)].passed != result.passed
    ]


def last_results(
    instance: DagsterInstance, keys: Sequence[AssetCheckKey]
) -> dict[AssetCheckKey, dg.AssetCheckResult]:
    """The last result of each of these checks that has one, with the moment at which it was found."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys)) if keys else {}
    return {
        key: dg.AssetCheckResult(
            passed=evaluation.passed,
            asset_key=key.asset_key,
            check_name=key.name,
            severity=evaluation.severity,
            description=evaluation.description,
            metadata={TESTED_AT: _moment(record.event.timestamp)} | dict(evaluation.metadata),
        )
        for key, record in records.items()
        if record.event and isinstance(evaluation := record.evaluation, dg.AssetCheckEvaluation)
    }


def _moment(timestamp: float) -> dg.TimestampMetadataValue:
    return dg.MetadataValue.timestamp(datetime.fromtimestamp(timestamp, UTC))


def check_key(result: dg.AssetCheckResult) -> AssetCheckKey:
    """The check of which this is a result; ours always name theirs."""
    return AssetCheckKey(dg.AssetKey.from_coercible(result.asset_key or ()), result.check_name or "")


def _targets(
    instance: DagsterInstance, keys: Iterable[dg.AssetKey]
) -> dict[dg.AssetKey, AssetCheckEvaluationTargetMaterializationData]:
    """The last materialization of each of these assets, for an evaluation of a check to point to."""
    chosen = list(keys)
    records = instance.get_asset_records(chosen) if chosen else ()
    found = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization_record for record in records
    }
    return {
        key: AssetCheckEvaluationTargetMaterializationData(
            storage_id=last.storage_id, run_id=last.run_id, timestamp=last.timestamp
        )
        for key, last in found.items()
        if last
    }
