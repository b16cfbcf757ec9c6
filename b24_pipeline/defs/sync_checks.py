"""Asset checks of the syncs: recent, announced by events, equal to the portal stage by stage.

A run of `changes` reports them when it has read its portals, so that they are as new as what they judge.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg

from b24_pipeline.clean_text import on_one_line
from b24_pipeline.defs.assets.failures import errors_as_failures
from b24_pipeline.defs.assets.raw_tables import CHANGES
from b24_pipeline.defs.known_assets import TESTED_AT
from b24_pipeline.defs.resources import B24
from b24_pipeline.store.checks import quality
from b24_pipeline.store.checks import stages as stage_checks
from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.checks.stages import Checked
from b24_pipeline.store.database.warehouse import Connection

FRESH_SECONDS = 3600
SHOWN_IDS = 50
WARN = dg.AssetCheckSeverity.WARN
ERROR = dg.AssetCheckSeverity.ERROR


@contextmanager
def _connected(b24: B24) -> Iterator[Connection]:
    with errors_as_failures(), b24.opened() as runtime, runtime.warehouse.connect() as connection:
        yield connection


@dg.asset_check(
    asset=CHANGES, description="Each connected portal was synced completely within the last hour."
)
def fresh(b24: B24) -> dg.AssetCheckResult:
    """Passes if the entity that was synced least recently is recent enough, for each connected portal."""
    with _connected(b24) as connection:
        return b24.asset_names.result(find_stale(connection))


def find_stale(connection: Connection) -> dg.AssetCheckResult:
    """The result of `fresh`."""
    ages = quality.freshness(connection)
    texts = {portal: "never" if age is None else f"{age / 60:.0f} min ago" for portal, age in ages.items()}
    stale = [portal for portal, age in ages.items() if age is None or age > FRESH_SECONDS]
    return dg.AssetCheckResult(
        asset_key=CHANGES,
        check_name="fresh",
        passed=not stale,
        severity=WARN,
        description="; ".join(f"{portal}: {texts[portal]}" for portal in stale) or None,
        metadata=texts,
    )


@dg.asset_check(asset=CHANGES, description="Events announced the changes that polling found.")
def events_arrive(b24: B24) -> dg.AssetCheckResult:
    """Fails for a silent portal: its changes come by polling only, although events should announce them."""
    with _connected(b24) as connection:
        return b24.asset_names.result(find_silent(connection))


def find_silent(connection: Connection) -> dg.AssetCheckResult:
    """The result of `events_arrive`."""
    portals = [portal for portal in health(connection) if portal.status == "connected"]
    silent = [
        f"{portal.name}: {portal.unannounced} changes without an event, "
        f"noticed {portal.silent_since:%Y-%m-%d %H:%M} UTC"
        for portal in portals
        if portal.silent_since
    ]
    return dg.AssetCheckResult(
        asset_key=CHANGES,
        check_name="events_arrive",
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
    with _connected(b24) as connection:
        return b24.asset_names.result(find_differences(connection))


def find_differences(connection: Connection, unread: Collection[str] = ()) -> dg.AssetCheckResult:
    """The result of `agrees_with_portal`, where the portals `unread` have just been asked and could not be read."""
    portals = [portal for portal in health(connection) if portal.status == "connected"]
    connected = {portal.name for portal in portals}
    stages = [stage for stage in stage_checks.last_checks(connection) if stage.portal in connected]
    unequal = [stage for stage in stages if not stage.is_equal]
    wrong = [stage for stage in unequal if not stage.is_explained]
    lines = [
        *map(_difference, wrong),
        *filter(None, (_not_compared(portal, is_unread=portal.name in unread) for portal in portals)),
    ]
    compared_at = [portal.stages_checked_at for portal in portals if portal.stages_checked_at]
    return dg.AssetCheckResult(
        asset_key=CHANGES,
        check_name="agrees_with_portal",
        passed=not lines,
        severity=ERROR if any(stage.is_wrong for stage in wrong) else WARN,
        description="; ".join(lines) or None,
        metadata={
            "stages": len(stages),
            "rows_compared": sum(stage.rows_compared for stage in stages),
        }
        | ({TESTED_AT: dg.MetadataValue.timestamp(min(compared_at))} if compared_at else {})
        | ({"differing": dg.MetadataValue.table(list(map(_record, unequal)), _COLUMNS)} if unequal else {}),
    )


def _difference(stage: Checked) -> str:
    place = f"{stage.entity_type} {stage.category_id}/{stage.status_id}"
    return on_one_line(f"{stage.portal}: {place}: {stage.explanation}")


def _not_compared(portal: PortalHealth, *, is_unread: bool) -> str:
    moment = portal.stages_checked_at
    if moment and not is_unread and datetime.now(UTC) - moment < timedelta(seconds=FRESH_SECONDS):
        return ""
    failed = ["could not be read"] if is_unread else []
    compared = f"last compared {moment:%Y-%m-%d %H:%M} UTC" if moment else "not compared"
    return f"{portal.name}: {', '.join([*failed, compared])}"


def _record(stage: Checked) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "portal": stage.portal,
            "entity": stage.entity_type,
            "pipeline": str(stage.category_id),
            "stage": on_one_line(stage.status_id),
            "in the portal": stage.portal_count,
            "here": stage.our_count,
            "missing ids": _shown(stage.missing_ids),
            "surplus ids": _shown(stage.surplus_ids),
            "differing ids": _shown(stage.differing_ids),
            "explanation": on_one_line(stage.explanation or ""),
        }
    )


def _shown(ids: list[int]) -> str:
    """Ids as text, because a table of Dagster has no lists; all of them are in the table `reconciliation`."""
    return ", ".join(map(str, ids[:SHOWN_IDS])) + (", ..." if len(ids) > SHOWN_IDS else "")


SYNC_CHECKS = [fresh, events_arrive, agrees_with_portal]


def sync_results(connection: Connection, unread: Collection[str] = ()) -> list[dg.AssetCheckResult]:
    """The results of all checks of the syncs as of now; `unread` are portals that have just failed to answer."""
    return [find_stale(connection), find_silent(connection), find_differences(connection, unread)]
