"""What the UI shows beside a materialization: rows, requests, operating seconds, watermark, columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from b24_pipeline.models import ModelResult, Project, TestResult
from b24_pipeline.store.crm.table_facts import TableColumn
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.own_leads.match import MatchResult

Metadata = Mapping[str, Any]


def outcome_metadata(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The sums of a sync, and the oldest watermark."""
    figures: dict[str, Any] = {
        "rows_read": sum(outcome.rows_read for outcome in outcomes),
        "rows_changed": sum(outcome.rows_changed for outcome in outcomes),
        "rows_deleted": sum(outcome.rows_deleted for outcome in outcomes),
        "requests": sum(outcome.requests for outcome in outcomes),
        "operating_seconds": round(sum(outcome.operating_seconds for outcome in outcomes), 3),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 3),
    }
    set_aside = sum(outcome.values_set_aside for outcome in outcomes)
    watermarks = [outcome.watermark for outcome in outcomes if outcome.watermark]
    return (
        figures
        | ({"values_set_aside": set_aside} if set_aside else {})
        | ({"watermark": dg.MetadataValue.timestamp(min(watermarks))} if watermarks else {})
    )


def matching_metadata(done: MatchResult) -> dict[str, Any]:
    """How a portal's own leads stand, and what it took."""
    return {
        "own_leads": done.own_leads,
        "matched": done.matched,
        "newly_linked": done.linked,
        "updated": done.updated,
        "not_found": done.not_found,
        "phones_not_searched": done.unsearched,
        "requests": done.requests,
        "seconds": round(done.seconds, 3),
    }


def table_metadata(columns: Iterable[TableColumn], rows: int) -> dict[str, Any]:
    """The schema of a raw table, and how many rows of the portal it holds."""
    listed = [dg.TableColumn(column.name, column.type, column.comment) for column in columns]
    return {"rows": rows, "dagster/column_schema": dg.TableSchema(columns=listed)}


def outcome_table(outcomes: Sequence[Outcome]) -> dg.MetadataValue[Any]:
    """A table: one line an entity."""
    titles = ("entity", "sync", "read", "changed", "deleted", "requests", "seconds", "")
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    for one in outcomes:
        figures = (one.rows_read, one.rows_changed, one.rows_deleted, one.requests, f"{one.seconds:.1f}")
        cells = (one.entity, one.sync_type, *figures, "" if one.worked else "failed")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return dg.MetadataValue.md("\n".join(lines))


def build_metadata(project: Project, result: ModelResult) -> dict[str, Any]:
    """What a build did to a model. A view has no count."""
    described = project.models[result.name].columns
    named = [column.split(" ", 1) for column in result.columns]
    listed = [dg.TableColumn(name, type_, described.get(name)) for name, type_ in named]
    figures: dict[str, Any] = {
        "action": result.action,
        "seconds": round(result.seconds, 3),
        "dagster/column_schema": dg.TableSchema(columns=listed),
    }
    if result.rows is not None:
        figures |= {"dagster/row_count": result.rows, "rows_changed": result.changed}
    return figures


def test_metadata(result: TestResult) -> dict[str, Any]:
    """How many rows break a test, and the query that shows them."""
    figures: dict[str, Any] = {"failures": result.failures, "seconds": round(result.seconds, 3)}
    return (
        figures if result.passed else figures | {"query": dg.MetadataValue.md(f"```sql\n{result.sql}\n```")}
    )
