"""Asset checks of the raw tables: as many rows as the portal, in stages that it knows, compared with it lately.

Uniqueness needs no check, because each raw table has a primary key. The tests of the models are with the models, the
checks of the syncs in `sync_checks.py`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from b24_pipeline.clean_text import on_one_line
from b24_pipeline.defs.assets.check_events import evaluations
from b24_pipeline.defs.assets.failures import errors_as_failures
from b24_pipeline.defs.assets.raw_tables import BY_OUTCOME
from b24_pipeline.defs.known_assets import TESTED_AT, KnownAssets, check_key
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.sync_checks import SYNC_CHECKS
from b24_pipeline.errors import B24Error, PortalError, UsageError
from b24_pipeline.masks import masked
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.checks import quality
from b24_pipeline.store.checks import stages as stage_checks
from b24_pipeline.store.checks.coverage import PROOF_LASTS, Proof
from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.checks.quality import Orphans
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks.totals import entity_totals
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.parallel import each_portal

COUNTED = ("lead", "deal", "contact", "company")
COUNTS = "counts_agree_with_portal"
ORPHANS = "no_unknown_stage"
COMPARED = "compared_with_portal"
STAGED = ("lead", "deal")
WARN = dg.AssetCheckSeverity.WARN
ERROR = dg.AssetCheckSeverity.ERROR


@dataclass(frozen=True, slots=True)
class CountComparison:
    """How many rows created before the watermark each side has; `problem` where the portal did not answer."""

    portal: str
    in_copy: int = 0
    in_portal: int = 0
    problem: str = ""

    @property
    def told(self) -> str:
        """The counts, or the problem, where the portal is named beside it."""
        return self.problem or f"{self.in_copy:,} in the copy, {self.in_portal:,} in the portal"

    def __str__(self) -> str:
        return f"{self.portal}: {self.told}"


@dg.multi_asset_check(
    name="compare_counts",
    specs=[
        dg.AssetCheckSpec(
            COUNTS,
            asset=BY_OUTCOME[entity].key,
            description="Our copy has as many rows, created before the watermark, as the portal counts.",
        )
        for entity in COUNTED
    ],
    can_subset=True,
)
def counts(context: dg.AssetCheckExecutionContext, b24: B24) -> Iterator[dg.AssetCheckResult]:
    """Compares the number of rows of each entity with the totals of each connected portal: one request a portal."""
    with errors_as_failures(), b24.opened() as runtime:
        for result in map(b24.asset_names.result, find_miscounts(runtime)):
            if check_key(result) in context.selected_asset_check_keys:
                yield result


def find_miscounts(runtime: Runtime) -> Iterator[dg.AssetCheckResult]:
    """The results of `counts_agree_with_portal`, one an entity; each connected portal is asked once."""
    compared = each_portal(
        runtime.connections, runtime.portals.named(), runtime.options(), _counts, _uncounted
    )
    for entity in COUNTED:
        key = dg.AssetCheckKey(BY_OUTCOME[entity].key, COUNTS)
        yield _compared(key, [counted[entity] for counted in compared if entity in counted])


def _counts(job: Job) -> dict[str, CountComparison]:
    with job.warehouse.connect() as connection:
        settled = {rows.entity_type: rows for rows in quality.settled(connection, job.portal.id)}
    in_portal = entity_totals(job, {entity: rows.watermark for entity, rows in settled.items()})
    return {
        entity: CountComparison(job.portal.name, settled[entity].alive, total)
        for entity, total in in_portal.items()
    }


def _uncounted(portal: Portal, error: B24Error) -> dict[str, CountComparison]:
    """The comparison of a portal that did not answer. Raises what is no fault of the portal or its connection."""
    if not isinstance(error, PortalError | UsageError):
        raise error
    problem = masked(str(error)).removeprefix(f"{portal.name}: ")
    return {entity: CountComparison(portal.name, problem=problem) for entity in COUNTED}


def _compared(key: dg.AssetCheckKey, found: list[CountComparison]) -> dg.AssetCheckResult:
    """The result of one entity: missing rows are an error; the next cohort run marks surplus rows as deleted."""
    wrong = [count for count in found if count.problem or count.in_copy != count.in_portal]
    missing = any(count.in_copy < count.in_portal for count in wrong)
    return dg.AssetCheckResult(
        passed=not wrong,
        asset_key=key.asset_key,
        check_name=key.name,
        severity=ERROR if missing else WARN,
        description="; ".join(map(str, wrong)) or None,
        metadata={count.portal: count.told for count in found},
    )


def find_proved_count(connection: Connection, entity: str) -> dg.AssetCheckResult | None:
    """The result of `counts_agree_with_portal` by the last read that compared all rows, without asking anybody.

    None where a connected portal has never been compared.
    """
    proofs = _proofs(connection, entity)
    proved = {name: proof for name, proof in proofs.items() if proof}
    if not proved or len(proved) < len(proofs):
        return None
    return dg.AssetCheckResult(
        passed=True,
        asset_key=BY_OUTCOME[entity].key,
        check_name=COUNTS,
        metadata={
            name: f"{_proved(proof)}: as in the portal, by {proof.proved_by}"
            for name, proof in proved.items()
        }
        | {TESTED_AT: dg.MetadataValue.timestamp(min(proof.proved_at for proof in proved.values()))},
    )


def _orphan_check(entity: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=BY_OUTCOME[entity].key,
        name=ORPHANS,
        description="Every lead or deal is in a stage that the portal has, or counts although it was deleted.",
    )
    def check(b24: B24) -> dg.AssetCheckResult:
        with errors_as_failures(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
            return b24.asset_names.result(find_orphans(connection, entity))

    return check


def find_orphans(connection: Connection, entity: str) -> dg.AssetCheckResult:
    """The result of `no_unknown_stage` for leads or deals.

    A portal may delete a stage in which entities stand. That is no fault of the copy where the last check of stages
    found as many of them there in the portal, also where the portal is paused since: what was proved stays so.
    """
    checked = {
        (stage.portal, stage.category_id, stage.status_id)
        for stage in stage_checks.last_checks(connection)
        if stage.entity_type == entity and stage.is_equal
    }
    orphans = quality.orphans(connection, entity)
    proved = [
        stage for stage in orphans if (stage.portal, stage.category_id, stage.status_id or "") in checked
    ]
    unproved = [stage for stage in orphans if stage not in proved]
    return dg.AssetCheckResult(
        passed=not unproved,
        asset_key=BY_OUTCOME[entity].key,
        check_name=ORPHANS,
        severity=WARN,
        description="; ".join(map(_place, unproved)) or None,
        metadata={"entities in unknown stages": sum(stage.entities for stage in unproved)}
        | (
            {"deleted stages, with as many as in the portal": "; ".join(map(_place, proved))}
            if proved
            else {}
        ),
    )


def _place(stage: Orphans) -> str:
    return on_one_line(f"{stage.portal}: {stage.entities} in {stage.category_id}/{stage.status_id}")


def _coverage_check(entity: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=BY_OUTCOME[entity].key,
        name=COMPARED,
        description="Each connected portal was compared as a whole within the last three days.",
    )
    def check(b24: B24) -> dg.AssetCheckResult:
        with errors_as_failures(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
            return b24.asset_names.result(find_uncompared(connection, entity))

    return check


def find_uncompared(connection: Connection, entity: str) -> dg.AssetCheckResult:
    """The result of `compared_with_portal` for an entity."""
    proofs = _proofs(connection, entity)
    oldest = datetime.now(UTC) - PROOF_LASTS
    due = [name for name, proof in proofs.items() if proof is None or proof.proved_at < oldest]
    return dg.AssetCheckResult(
        passed=not due,
        asset_key=BY_OUTCOME[entity].key,
        check_name=COMPARED,
        severity=WARN,
        description=f"`b24 reconcile {' '.join(due)}`" if due else None,
        metadata={name: _proved(proof) for name, proof in proofs.items()},
    )


def _proofs(connection: Connection, entity: str) -> dict[str, Proof | None]:
    """What proved all rows of each connected portal last."""
    connected = [portal for portal in health(connection) if portal.status == "connected"]
    return {portal.name: _proof(portal, entity) for portal in connected}


def _proof(portal: PortalHealth, entity: str) -> Proof | None:
    found = (proof for proof in portal.coverage if proof.entity_type == entity and proof.is_whole)
    return next(found, None)


def _proved(proof: Proof | None) -> str:
    return f"{proof.rows_alive:,} rows, {proof.proved_at:%Y-%m-%d %H:%M} UTC" if proof else "never"


CHECKS = [
    counts,
    *map(_orphan_check, STAGED),
    *map(_coverage_check, COUNTED),
    *SYNC_CHECKS,
]


def read_evaluations(
    known: KnownAssets,
    runtime: Runtime,
    keys: Collection[dg.AssetKey],
    portals: Collection[str],
    outcomes: Collection[Outcome] = (),
) -> Iterator[dg.AssetCheckEvaluation]:
    """All checks of these raw tables, which were materialized just now, after a read of `portals` with `outcomes`.

    Rows are counted in the portals only if all connected ones have just answered: nobody waits for one that hangs.
    Otherwise what was found last is reported, with its time, by a count or by a read that compared all rows; every
    hour they are counted anew.
    """
    entities = [entity for entity in COUNTED if BY_OUTCOME[entity].key in keys]
    if not entities:
        return
    counting = {entity: dg.AssetCheckKey(BY_OUTCOME[entity].key, COUNTS) for entity in entities}
    found = known.results(list(counting.values()))
    with runtime.warehouse.connect() as connection:
        results = [find_orphans(connection, entity) for entity in entities if entity in STAGED]
        results += [find_uncompared(connection, entity) for entity in entities]
        for entity in entities:
            # what could not be stored is counted by the portal all the same
            is_stored = not any(one.rows_left_out for one in outcomes if one.entity == entity)
            proved = find_proved_count(connection, entity) if is_stored else None
            if proved and _is_later(proved, found.get(counting[entity])):
                found[counting[entity]] = proved
    if {portal.name for portal in runtime.portals.named()} <= set(portals):
        found |= {check_key(result): result for result in find_miscounts(runtime)}
    yield from evaluations(known, [*results, *(found[key] for key in counting.values() if key in found)])


def _is_later(result: dg.AssetCheckResult, other: dg.AssetCheckResult | None) -> bool:
    """Whether a result was found later than another one of the same check."""
    return other is None or _found_at(result) > _found_at(other)


def _found_at(result: dg.AssetCheckResult) -> float:
    moment = result.metadata[TESTED_AT]
    return moment.value if isinstance(moment, dg.TimestampMetadataValue) else 0.0
