"""What an instance of Dagster knows of our assets, asked and answered by the keys that we use ourselves.

A translation may give assets other keys (`defs/translation.py`). `AssetNames` turns ours into those.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg
from dagster import AssetCheckKey, DagsterInstance, DagsterRunStatus, RunsFilter

# neither it nor anything like it has a public name
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    INPUT_DATA_VERSION_TAG_PREFIX,
    INPUT_EVENT_POINTER_TAG_PREFIX,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

TESTED_AT = "tested_at"

UNVERSIONED = "INITIAL"
"""What Dagster takes for the data version of an asset that tells none."""

NO_RUN = ""
"""What Dagster has for the run of an event without one."""

Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


STORED_KEYS = "b24_pipeline asset keys"
"""Where an instance keeps the keys of a translation, which commands need that know no definitions."""


@dataclass(frozen=True, slots=True)
class AssetNames:
    """The keys that assets have in Dagster where they are not ours: ours and theirs as `a/b`."""

    keys: Mapping[str, str] = field(default_factory=dict)

    def key(self, ours: dg.AssetKey) -> dg.AssetKey:
        """The key of an asset in Dagster."""
        theirs = self.keys.get(ours.to_user_string())
        return dg.AssetKey.from_user_string(theirs) if theirs else ours

    def check(self, ours: AssetCheckKey) -> AssetCheckKey:
        """The key of a check in Dagster."""
        return AssetCheckKey(self.key(ours.asset_key), ours.name)

    def event(self, ours: Event) -> Event:
        """An event as Dagster is to store it."""
        if isinstance(ours, dg.AssetMaterialization):
            return ours._replace(asset_key=self.key(ours.asset_key), tags=self.tags(ours.tags))
        if isinstance(ours, dg.AssetObservation):
            return ours._replace(asset_key=self.key(ours.asset_key))
        return dg.AssetCheckEvaluation(
            asset_key=self.key(ours.asset_key),
            check_name=ours.check_name,
            passed=ours.passed,
            severity=ours.severity,
            description=ours.description,
            metadata=ours.metadata,
            target_materialization_data=ours.target_materialization_data,
        )

    def tags(self, ours: Mapping[str, str] | None) -> dict[str, str]:
        """The tags of a materialization, with a data version, as Dagster is to store them."""
        return {DATA_VERSION_TAG: UNVERSIONED} | {
            self._tag(tag): value for tag, value in (ours or {}).items()
        }

    def _tag(self, ours: str) -> str:
        for prefix in (f"{INPUT_DATA_VERSION_TAG_PREFIX}/", f"{INPUT_EVENT_POINTER_TAG_PREFIX}/"):
            if ours.startswith(prefix):
                key = dg.AssetKey.from_user_string(ours.removeprefix(prefix))
                return prefix + self.key(key).to_user_string()
        return ours

    def result(self, ours: dg.AssetCheckResult) -> dg.AssetCheckResult:
        """The result of a check as a step is to give it."""
        return ours._replace(asset_key=self.key(check_key(ours).asset_key))


def check_key(result: dg.AssetCheckResult) -> AssetCheckKey:
    """The check of which this is a result; ours always name theirs."""
    return AssetCheckKey(dg.AssetKey.from_coercible(result.asset_key or ()), result.check_name or "")


def log_events(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, names: AssetNames, events: Iterable[Event]
) -> set[dg.AssetKey]:
    """Stores the events in the log of the run, each before the next is asked for; returns what was materialized."""
    materialized = set()
    for event in events:
        context.log_event(names.event(event))  # type: ignore[arg-type] # its annotation lacks evaluations, which it takes
        if isinstance(event, dg.AssetMaterialization):
            materialized.add(event.asset_key)
    return materialized


def log_without_run(
    context: dg.OpExecutionContext,
    names: AssetNames,
    events: Iterable[dg.AssetMaterialization | dg.AssetCheckEvaluation],
) -> None:
    """Stores the events as those of no run, each before the next is asked for; materializations link to the run.

    Dagster keeps one result of a check for each run, in the place of the run's first: a run cannot tell a check again
    after another one has told it.
    """
    link = {"told_by": dg.MetadataValue.dagster_run(context.run_id)}
    for event in events:
        linked = (
            event.with_metadata({**event.metadata, **link})
            if isinstance(event, dg.AssetMaterialization)
            else event
        )
        context.instance.report_runless_asset_event(names.event(linked))


class KnownAssets:
    """What an instance has stored of our assets."""

    def __init__(self, instance: DagsterInstance, names: AssetNames) -> None:
        self._instance = instance
        self._names = names
        self._failed: dict[dg.AssetKey, dict[str, datetime]] = {}

    def store_names(self) -> None:
        """Keeps the keys of the translation in the instance, where they are others than before."""
        if stored_names(self._instance) != self._names:
            keys = json.dumps(dict(self._names.keys))
            self._instance.daemon_cursor_storage.set_cursor_values({STORED_KEYS: keys})

    def partitions(self, key: dg.AssetKey) -> set[str]:
        """The partitions of an asset that are materialized already."""
        return self._instance.get_materialized_partitions(self._names.key(key))

    def add_partition(self, partitions: str, key: str) -> None:
        """Makes a key one of these dynamic partitions; harmless where it is one."""
        self._instance.add_dynamic_partitions(partitions, [key])

    def failed(self, key: dg.AssetKey) -> dict[str, datetime]:
        """The partitions of an asset whose last run failed before it materialized them, and when it had ended.

        They are asked for once: all portals of a run together.
        """
        if key not in self._failed:
            self._failed[key] = self._ask_failed(key)
        return self._failed[key]

    def _ask_failed(self, key: dg.AssetKey) -> dict[str, datetime]:
        theirs = self._names.key(key)
        storage = self._instance.event_log_storage
        tried = storage.get_latest_asset_partition_materialization_attempts_without_materializations(theirs)
        ended = self._ended_in_failure({run_id for run_id, _ in tried.values()})
        return {partition: ended[run_id] for partition, (run_id, _) in tried.items() if run_id in ended}

    def _ended_in_failure(self, run_ids: Collection[str]) -> dict[str, datetime]:
        if not run_ids:
            return {}
        chosen = RunsFilter(run_ids=list(run_ids), statuses=[DagsterRunStatus.FAILURE])
        return {
            record.dagster_run.run_id: datetime.fromtimestamp(record.end_time or 0, UTC)
            for record in self._instance.get_run_records(chosen)
        }

    def materializations(
        self, keys: Collection[dg.AssetKey]
    ) -> dict[dg.AssetKey, AssetCheckEvaluationTargetMaterializationData]:
        """The last materialization of each of these assets that has one, for an evaluation of a check to point to."""
        ours = {self._names.key(key): key for key in keys}
        records = self._instance.get_asset_records(list(ours)) if ours else ()
        found = {
            ours[record.asset_entry.asset_key]: record.asset_entry.last_materialization_record
            for record in records
        }
        return {
            key: AssetCheckEvaluationTargetMaterializationData(
                storage_id=last.storage_id, run_id=last.run_id, timestamp=last.timestamp
            )
            for key, last in found.items()
            if last
        }

    def last(self, keys: Collection[dg.AssetKey]) -> dict[dg.AssetKey, dg.AssetMaterialization]:
        """The last materialization of each of these assets that has one, as Dagster has stored it."""
        ours = {self._names.key(key): key for key in keys}
        records = self._instance.get_asset_records(list(ours)) if ours else ()
        found = {
            ours[record.asset_entry.asset_key]: record.asset_entry.last_materialization for record in records
        }
        return {
            key: entry.asset_materialization
            for key, entry in found.items()
            if entry and entry.asset_materialization
        }

    def is_stored(self, event: dg.AssetMaterialization, tags: Mapping[str, str] | None) -> bool:
        """Whether an event with these tags, as Dagster has them, was made from the same versions as this one."""
        made_from = {tag: value for tag, value in self._names.tags(event.tags).items() if _is_version(tag)}
        return made_from == {tag: value for tag, value in (tags or {}).items() if _is_version(tag)}

    def results(self, keys: Sequence[AssetCheckKey]) -> dict[AssetCheckKey, dg.AssetCheckResult]:
        """The last result of each of these checks that has one, with the moment at which it was found."""
        return {
            key: dg.AssetCheckResult(
                passed=evaluation.passed,
                asset_key=key.asset_key,
                check_name=key.name,
                severity=evaluation.severity,
                description=evaluation.description,
                metadata={TESTED_AT: _moment(record.event.timestamp)} | dict(evaluation.metadata),
            )
            for key, record in self._last_executions(keys).items()
            # one that is planned has no result yet
            if record.event and isinstance(evaluation := record.evaluation, dg.AssetCheckEvaluation)
        }

    def runs_of_results(self, keys: Sequence[AssetCheckKey]) -> dict[AssetCheckKey, str]:
        """The run that told the last result of each of these checks that has one; NO_RUN where none did."""
        return {key: record.run_id for key, record in self._last_executions(keys).items()}

    def _last_executions(
        self, keys: Sequence[AssetCheckKey]
    ) -> dict[AssetCheckKey, AssetCheckExecutionRecord]:
        """Of those that were asked for alone: Dagster looks for each of the names at each of the assets.

        A check that an earlier version had at another asset is there still, and nobody's now.
        """
        ours = {self._names.check(key): key for key in keys}
        storage = self._instance.event_log_storage
        records = storage.get_latest_asset_check_execution_by_key(list(ours)) if ours else {}
        return {ours[key]: record for key, record in records.items() if key in ours}


def stored_names(instance: DagsterInstance) -> AssetNames:
    """The keys of the translation that the definitions of this instance were loaded with."""
    found = instance.daemon_cursor_storage.get_cursor_values({STORED_KEYS}).get(STORED_KEYS)
    return AssetNames(json.loads(found) if found else {})


def _is_version(tag: str) -> bool:
    return tag in (CODE_VERSION_TAG, DATA_VERSION_TAG) or tag.startswith(INPUT_DATA_VERSION_TAG_PREFIX)


def _moment(timestamp: float) -> dg.TimestampMetadataValue:
    return dg.MetadataValue.timestamp(datetime.fromtimestamp(timestamp, UTC))
