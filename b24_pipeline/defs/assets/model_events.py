"""What Dagster is to know of a build of the models that no asset step has done: what changed, and no more.

Dagster keeps every event. A build every ten minutes that reports all models and tests
writes hundreds of rows that say what was known already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg
from dagster import AssetCheckKey, DagsterInstance
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from b24_pipeline.defs.assets.metadata import test_metadata
from b24_pipeline.defs.assets.models import model_key, model_metadata, project, severity
from b24_pipeline.models import BuildResult, ModelResult, TestResult
from b24_pipeline.runtime import Runtime

Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation
_PASSED = {AssetCheckExecutionRecordStatus.SUCCEEDED: True, AssetCheckExecutionRecordStatus.FAILED: False}


def log_events(context: dg.OpExecutionContext, events: Iterable[Event]) -> None:
    """Stores the events in the log of the run, each before the next is asked for."""
    for event in events:
        context.log_event(event)  # type: ignore[arg-type] # its annotation lacks evaluations, which it takes


def changed_model_events(instance: DagsterInstance, runtime: Runtime, result: BuildResult) -> Iterator[Event]:
    """The models whose rows changed, with all their tests, and the tests of others that end another way than before.

    Each event has to be stored before the next is asked for: a test names the materialization that it is of.
    """
    changed = changed_models(result)
    for model in changed:
        metadata = model_metadata(runtime, project, model)
        yield dg.AssetMaterialization(model_key(model.name), metadata=metadata)
    names = {model.name for model in changed}
    before = _last_results(instance, result.tests)
    tests = [test for test in result.tests if test.model in names or before.get(_key(test)) != test.passed]
    yield from evaluations(instance, tests)


def changed_models(result: BuildResult) -> list[ModelResult]:
    """The models that hold other rows than before the build; a view does if something that it reads does."""
    changed: dict[str, ModelResult] = {}
    for done in result.models:
        model = project.models[done.name]
        reads_changed = {*model.sources} & {*result.changed_sources} or {*model.depends_on} & changed.keys()
        if done.action in ("created", "replaced") or (reads_changed if done.rows is None else done.changed):
            changed[done.name] = done
    return list(changed.values())


def evaluations(instance: DagsterInstance, tests: Sequence[TestResult]) -> Iterator[dg.AssetCheckEvaluation]:
    """The results of tests as evaluations of the last materialization of their models."""
    targets = targets_of(instance, list({model_key(test.model) for test in tests}))
    for test in tests:
        yield evaluation(test, targets.get(model_key(test.model)))


def evaluation(
    test: TestResult, target: AssetCheckEvaluationTargetMaterializationData | None = None
) -> dg.AssetCheckEvaluation:
    """The result of a test as an evaluation; `target` is the materialization of its model that was tested."""
    return dg.AssetCheckEvaluation(
        asset_key=model_key(test.model),
        check_name=test.name,
        passed=test.passed,
        severity=severity(test),
        metadata={
            name: dg.MetadataValue.int(value) if isinstance(value, int) else value
            for name, value in test_metadata(test).items()
        },
        target_materialization_data=target,
    )


def targets_of(
    instance: DagsterInstance, keys: Sequence[dg.AssetKey]
) -> dict[dg.AssetKey, AssetCheckEvaluationTargetMaterializationData]:
    """The last materialization of each of these assets, for an evaluation of a check to point to."""
    records = instance.get_asset_records(keys) if keys else ()
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


def _last_results(instance: DagsterInstance, tests: Sequence[TestResult]) -> dict[AssetCheckKey, bool | None]:
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key([_key(test) for test in tests])
    return {key: _PASSED.get(record.status) for key, record in found.items()}


def _key(test: TestResult) -> AssetCheckKey:
    return AssetCheckKey(model_key(test.model), test.name)
