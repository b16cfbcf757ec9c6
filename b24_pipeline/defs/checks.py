"""Asset checks of the raw tables: as many rows as the portal, in stages that it has, compared with it lately.

Uniqueness needs no check, because each raw table has a primary key. The tests of the models are with the models, the
checks of the syncs in `sync_checks.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from b24_pipeline.clean_text import on_one_line
from b24_pipeline.defs.assets.failures import errors_as_failures
from b24_pipeline.defs.assets.raw_tables import BY_OUTCOME
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.sync_checks import SYNC_CHECKS
from b24_pipeline.errors import B24Error, PortalError, UsageError
from b24_pipeline.masks import masked
from b24_pipeline.store.checks import quality
from b24_pipeline.store.checks.coverage import PROOF_LASTS, Proof
from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks.totals import entity_totals
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.parallel import each_portal

COUNTED = ("lead", "deal", "contact", "company")
COUNTS = "counts_agree_with_portal"
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
        compared = each_portal(
            runtime.connections, runtime.portals.named(), runtime.options(), _counts, _uncounted
        )
        for entity in COUNTED:
            key = dg.AssetCheckKey(BY_OUTCOME[entity].key, COUNTS)
            if key in context.selected_asset_check_keys:
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
    return {entity: CountComparison(portal.name, problem=masked(str(error))) for entity in COUNTED}


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
            on_one_line(f"{stage.portal}: {stage.entities} in {stage.category_id}/{stage.status_id}")
            for stage in orphans
        ]
        return dg.AssetCheckResult(
            passed=not orphans,
            severity=WARN,
            description="; ".join(lines) or None,
            metadata={"entities": sum(stage.entities for stage in orphans)},
        )

    return check


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


CHECKS = [
    counts,
    _orphan_check("lead"),
    _orphan_check("deal"),
    *map(_coverage_check, COUNTED),
    *SYNC_CHECKS,
]
