"""Checks of the copy: complete against the portal, no entity in an unknown stage, fresh, and told of changes.

Uniqueness needs none: each raw table has a primary key. Tests of the models
are with the models.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from b24_pipeline.defs.assets.failures import told_in_one_line
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
class Count:
    """Rows created before the watermark; `problem` where the portal did not say."""

    portal: str
    here: int = 0
    there: int = 0
    problem: str = ""

    def __str__(self) -> str:
        told = self.problem or f"{self.here:,} here, {self.there:,} in the portal"
        return f"{self.portal}: {told}"


@dg.multi_asset_check(
    name="compare_counts",
    specs=[
        dg.AssetCheckSpec(
            COUNTS,
            asset=BY_OUTCOME[entity].key,
            description="Rows created before the watermark: as many alive here as the portal counts.",
        )
        for entity in COUNTED
    ],
    can_subset=True,
)
def counts(context: dg.AssetCheckExecutionContext, b24: B24) -> Iterator[dg.AssetCheckResult]:
    """Asks each connected portal for its totals: one request a portal."""
    with told_in_one_line(), b24.opened() as runtime:
        found: defaultdict[str, list[Count]] = defaultdict(list)
        for portal in runtime.portals.named():
            for entity, count in _counts(runtime, portal).items():
                found[entity].append(count)
        for entity in COUNTED:
            key = dg.AssetCheckKey(BY_OUTCOME[entity].key, COUNTS)
            if key in context.selected_asset_check_keys:
                yield _compared(key, found[entity])


def _counts(runtime: Runtime, portal: Portal) -> dict[str, Count]:
    with runtime.warehouse.connect() as connection:
        here = {one.entity_type: one for one in quality.settled(connection, portal.id)}
    try:
        with opened_job(runtime.connections, portal, runtime.options()) as job:
            there = entity_totals(job, {entity: one.watermark for entity, one in here.items()})
    except (PortalError, UsageError) as error:
        return {entity: Count(portal.name, problem=masked(str(error))) for entity in COUNTED}
    return {entity: Count(portal.name, here[entity].alive, there[entity]) for entity in there}


def _compared(key: dg.AssetCheckKey, found: list[Count]) -> dg.AssetCheckResult:
    """Missing rows are an error; rows too many are deletions that the next cohort run finds."""
    wrong = [count for count in found if count.problem or count.here != count.there]
    missing = any(count.here < count.there for count in wrong)
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
        description="Everyone stands in a stage that the portal has.",
    )
    def check(b24: B24) -> dg.AssetCheckResult:
        with told_in_one_line(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
            found = quality.orphans(connection, entity)
        told = [f"{one.portal}: {one.entities} in {one.category_id}/{one.status_id}" for one in found]
        return dg.AssetCheckResult(
            passed=not found,
            severity=WARN,
            description="; ".join(told) or None,
            metadata={"entities": sum(one.entities for one in found)},
        )

    return check


@dg.asset_check(asset=CHANGES, description="Each connected portal was read through within the last hour.")
def fresh(b24: B24) -> dg.AssetCheckResult:
    """By the portal's slowest entity."""
    with told_in_one_line(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
        ages = quality.freshness(connection)
    told = {portal: "never" if age is None else f"{age / 60:.0f} min ago" for portal, age in ages.items()}
    stale = [portal for portal, age in ages.items() if age is None or age > FRESH_SECONDS]
    return dg.AssetCheckResult(
        passed=not stale,
        severity=WARN,
        description="; ".join(f"{portal}: {told[portal]}" for portal in stale) or None,
        metadata=told,
    )


def _coverage_check(entity: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=BY_OUTCOME[entity].key,
        name="compared_with_portal",
        description="Each connected portal was compared as a whole within the last three days.",
    )
    def check(b24: B24) -> dg.AssetCheckResult:
        with told_in_one_line(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
            portals = health(connection)
        proofs = {one.name: _proof(one, entity) for one in portals if one.status == "connected"}
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


@dg.asset_check(asset=CHANGES, description="Changes that polling found had been announced by events.")
def events_arrive(b24: B24) -> dg.AssetCheckResult:
    """Of portals whose events we wait for; a silent one lives by polling only."""
    with told_in_one_line(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
        portals = [one for one in health(connection) if one.status == "connected"]
    silent = [
        f"{one.name}: {one.unannounced} changes without an event, noticed {one.silent_since:%Y-%m-%d %H:%M} UTC"
        for one in portals
        if one.silent_since
    ]
    return dg.AssetCheckResult(
        passed=not silent,
        severity=WARN,
        description="; ".join(silent) or None,
        metadata={one.name: f"{one.unannounced} unannounced" for one in portals},
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
    description="Counts and amounts of each stage are the portal's, but for what was changed there since.",
)
def agrees_with_portal(b24: B24) -> dg.AssetCheckResult:
    """By the last check of each connected portal, which every sync ends with; no portal is asked.

    What could be repaired is a warning: it was wrong until then. So is a portal that was not compared lately.
    """
    with told_in_one_line(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
        stages = stage_checks.last_checks(connection)
        portals = [one for one in health(connection) if one.status == "connected"]
    unequal = [one for one in stages if not one.is_equal]
    wrong = [one for one in unequal if not one.is_explained]
    told = [*map(_difference, wrong), *filter(None, map(_not_compared, portals))]
    return dg.AssetCheckResult(
        passed=not told,
        severity=ERROR if any(one.is_wrong for one in wrong) else WARN,
        description="; ".join(told) or None,
        metadata={
            "stages": len(stages),
            "rows_compared": sum(one.rows_compared for one in stages),
            "differing": dg.MetadataValue.table([_record(one) for one in unequal], _COLUMNS),
        },
    )


def _difference(one: Checked) -> str:
    return f"{one.portal}: {one.entity_type} {one.category_id}/{one.status_id}: {one.explanation}"


def _not_compared(portal: PortalHealth) -> str:
    moment = portal.stages_checked_at
    if moment and datetime.now(UTC) - moment < timedelta(seconds=FRESH_SECONDS):
        return ""
    return (
        f"{portal.name}: last compared {moment:%Y-%m-%d %H:%M} UTC"
        if moment
        else f"{portal.name}: not compared"
    )


def _record(one: Checked) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "portal": one.portal,
            "entity": one.entity_type,
            "pipeline": str(one.category_id),
            "stage": one.status_id,
            "in the portal": one.portal_count,
            "here": one.our_count,
            "missing ids": _shown(one.missing_ids),
            "surplus ids": _shown(one.surplus_ids),
            "differing ids": _shown(one.differing_ids),
            "explanation": one.explanation or "",
        }
    )


def _shown(ids: list[int]) -> str:
    """A table of Dagster holds no lists; the rest is in `reconciliation`."""
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
