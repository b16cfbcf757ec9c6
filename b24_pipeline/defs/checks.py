"""Asset checks of our copy: complete, equal to the portal stage by stage, recently read, and announced by events.

Uniqueness needs no check, because each raw table has a primary key. The tests of the models are with the models.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from b24_pipeline.defs.assets.failures import errors_as_failures
from b24_pipeline.defs.assets.raw_tables import BY_OUTCOME, CHANGES
from b24_pipeline.defs.resources import B24
from b24_pipeline.errors import PortalError, UsageError
from b24_pipeline.log import masked
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.checks import quality
from b24_pipeline.store.checks import stages as stage_checks
from b24_pipeline.store.checks.coverage import PROOF_LASTS, Proof
from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.checks.stages import Checked
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks.totals import entity_totals
from b24_pipeline.sync.parallel import opened_job

COUNTED = ("lead", "deal", "contact", "company")
COUNTS = "counts_agree_with_portal"
FRESH_SECONDS = 3600
SHOWN_IDS = 50
WARN = dg.AssetCheckSeverity.WARN
ERROR = dg.AssetCheckSeverity.ERROR


@dataclass(frozen=True, slots=True)
class CountComparison:
    """How many rows created before the watermark each side has; `problem` where the portal did not answer."""

    portal: str
    in_copy: int = 0
    in_portal: int = 0
    problem: str = ""

    def __str__(self) -> str:
        counts = f"{self.in_copy:,} in the copy, {self.in_portal:,} in the portal"
        return f"{self.portal}: {self.problem or counts}"


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
        found: defaultdict[str, list[CountComparison]] = defaultdict(list)
        for portal in runtime.portals.named():
            for entity, count in _counts(runtime, portal).items():
                found[entity].append(count)
        for entity in COUNTED:
            key = dg.AssetCheckKey(BY_OUTCOME[entity].key, COUNTS)
            if key in context.selected_asset_check_keys:
                yield _compared(key, found[entity])


def _counts(runtime: Runtime, portal: Portal) -> dict[str, CountComparison]:
    with runtime.warehouse.connect() as connection:
        settled = {rows.entity_type: rows for rows in quality.settled(connection, portal.id)}
    try:
        with opened_job(runtime.connections, portal, runtime.options()) as job:
            in_portal = entity_totals(job, {entity: rows.watermark for entity, rows in settled.items()})
    except (PortalError, UsageError) as error:
        return {entity: CountComparison(portal.name, problem=masked(str(error))) for entity in COUNTED}
    return {
        entity: CountComparison(portal.name, settled[entity].alive, total)
        for entity, total in in_portal.items()
    }


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
        metadata={count.portal: str(count) for count in found},
    )


def _orphan_check(entity: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=BY_OUTCOME[entity].key,
        name="no_unknown_stage",
        description="Every lead or deal is in a stage that the portal has.",
    )
    def check(b24: B24) -> dg.AssetCheckResult:
        with errors_as_failures(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
            orphans = quality.orphans(connection, entity)
        lines = [
            f"{stage.portal}: {stage.entities} in {stage.category_id}/{stage.status_id}" for stage in orphans
        ]
        return dg.AssetCheckResult(
            passed=not orphans,
            severity=WARN,
            description="; ".join(lines) or None,
            metadata={"entities": sum(stage.entities for stage in orphans)},
        )

    return check


@dg.asset_check(
    asset=CHANGES, description="Each connected portal was synced completely within the last hour."
)
def fresh(b24: B24) -> dg.AssetCheckResult:
    """Passes if the entity that was synced least recently is recent enough, for each connected portal."""
    with errors_as_failures(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
        ages = quality.freshness(connection)
    texts = {portal: "never" if age is None else f"{age / 60:.0f} min ago" for portal, age in ages.items()}
    stale = [portal for portal, age in ages.items() if age is None or age > FRESH_SECONDS]
    return dg.AssetCheckResult(
        passed=not stale,
        severity=WARN,
        description="; ".join(f"{portal}: {texts[portal]}" for portal in stale) or None,
        metadata=texts,
    )


def _coverage_check(entity: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=BY_OUTCOME[entity].key,
        name="compared_with_portal",
        description="Each connected portal was compared as a whole within the last three days.",
    )
    def check(b24: B24) -> dg.AssetCheckResult:
        with errors_as_failures(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
            portals = health(connection)
        proofs = {portal.name: _proof(portal, entity) for portal in portals if portal.status == "connected"}
        oldest = datetime.now(UTC) - PROOF_LASTS
        due = [name for name, proof in proofs.items() if proof is None or proof.proved_at < oldest]
        return dg.AssetCheckResult(
            passed=not due,
            severity=WARN,
            description=f"`b24 reconcile {' '.join(due)}`" if due else None,
            metadata={name: _proved(proof) for name, proof in proofs.items()},
        )

    return check


def _proof(portal: PortalHealth, entity: str) -> Proof | None:
    found = (proof for proof in portal.coverage if proof.entity_type == entity and proof.is_whole)
    return next(found, None)


def _proved(proof: Proof | None) -> str:
    return f"{proof.rows_alive:,} rows, {proof.proved_at:%Y-%m-%d %H:%M} UTC" if proof else "never"


@dg.asset_check(asset=CHANGES, description="Events announced the changes that polling found.")
def events_arrive(b24: B24) -> dg.AssetCheckResult:
    """Fails for a silent portal: its changes come by polling only, although events should announce them."""
    with errors_as_failures(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
        portals = [portal for portal in health(connection) if portal.status == "connected"]
    silent = [
        f"{portal.name}: {portal.unannounced} changes without an event, "
        f"noticed {portal.silent_since:%Y-%m-%d %H:%M} UTC"
        for portal in portals
        if portal.silent_since
    ]
    return dg.AssetCheckResult(
        passed=not silent,
        severity=WARN,
        description="; ".join(silent) or None,
        metadata={portal.name: f"{portal.unannounced} unannounced" for portal in portals},
    )


_COLUMNS = dg.TableSchema(
    columns=[
        *(dg.TableColumn(name) for name in ("portal", "entity", "pipeline", "stage")),
        *(dg.TableColumn(name, "int") for name in ("in the portal", "here")),
        *(dg.TableColumn(name) for name in ("missing ids", "surplus ids", "differing ids", "explanation")),
    ]
)


@dg.asset_check(
    asset=CHANGES,
    description="Counts and amounts of each stage equal the portal's, apart from changes after the sync.",
)
def agrees_with_portal(b24: B24) -> dg.AssetCheckResult:
    """Reports the last stage check of each connected portal, with which every sync ends; no portal is asked.

    A difference that was repaired is a warning, because the copy was wrong until then. So is a portal that was
    not compared within the last hour.
    """
    with errors_as_failures(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
        stages = stage_checks.last_checks(connection)
        portals = [portal for portal in health(connection) if portal.status == "connected"]
    unequal = [stage for stage in stages if not stage.is_equal]
    wrong = [stage for stage in unequal if not stage.is_explained]
    lines = [*map(_difference, wrong), *filter(None, map(_not_compared, portals))]
    return dg.AssetCheckResult(
        passed=not lines,
        severity=ERROR if any(stage.is_wrong for stage in wrong) else WARN,
        description="; ".join(lines) or None,
        metadata={
            "stages": len(stages),
            "rows_compared": sum(stage.rows_compared for stage in stages),
            "differing": dg.MetadataValue.table([_record(stage) for stage in unequal], _COLUMNS),
        },
    )


def _difference(stage: Checked) -> str:
    return f"{stage.portal}: {stage.entity_type} {stage.category_id}/{stage.status_id}: {stage.explanation}"


def _not_compared(portal: PortalHealth) -> str:
    moment = portal.stages_checked_at
    if moment and datetime.now(UTC) - moment < timedelta(seconds=FRESH_SECONDS):
        return ""
    return (
        f"{portal.name}: last compared {moment:%Y-%m-%d %H:%M} UTC"
        if moment
        else f"{portal.name}: not compared"
    )


def _record(stage: Checked) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "portal": stage.portal,
            "entity": stage.entity_type,
            "pipeline": str(stage.category_id),
            "stage": stage.status_id,
            "in the portal": stage.portal_count,
            "here": stage.our_count,
            "missing ids": _shown(stage.missing_ids),
            "surplus ids": _shown(stage.surplus_ids),
            "differing ids": _shown(stage.differing_ids),
            "explanation": stage.explanation or "",
        }
    )


def _shown(ids: list[int]) -> str:
    """Ids as text, because a table of Dagster has no lists; all of them are in the table `reconciliation`."""
    return ", ".join(map(str, ids[:SHOWN_IDS])) + (", ..." if len(ids) > SHOWN_IDS else "")


CHECKS = [
    counts,
    _orphan_check("lead"),
    _orphan_check("deal"),
    *map(_coverage_check, COUNTED),
    fresh,
    events_arrive,
    agrees_with_portal,
]
