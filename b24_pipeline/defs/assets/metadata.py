"""The metadata that the UI shows with a materialization: rows, requests, seconds, watermark, columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from b24_pipeline.models import ModelResult, Project
from b24_pipeline.store.crm.table_facts import TableColumn
from b24_pipeline.sync.outcome import Outcome
from b24_pipeline.sync.own_leads.match import MatchOutcome

Metadata = Mapping[str, Any]


def outcome_metadata(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of a sync, summed over its outcomes, and the oldest watermark."""
    figures: dict[str, Any] = {
        "rows_read": sum(outcome.rows_read for outcome in outcomes),
        "rows_changed": sum(outcome.rows_changed for outcome in outcomes),
        "rows_deleted": sum(outcome.rows_deleted for outcome in outcomes),
        "requests": sum(outcome.requests for outcome in outcomes),
        "operating_seconds": round(sum(outcome.operating_seconds for outcome in outcomes), 3),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 3),
    }
    set_aside = sum(outcome.values_set_aside for outcome in outcomes)
    left_out = sum(outcome.rows_left_out for outcome in outcomes)
    watermarks = [outcome.watermark for outcome in outcomes if outcome.watermark]
    return (
        figures
        | ({"values_set_aside": set_aside} if set_aside else {})
        | ({"rows_left_out": left_out} if left_out else {})
        | ({"watermark": dg.MetadataValue.timestamp(min(watermarks))} if watermarks else {})
    )


def matching_metadata(outcome: MatchOutcome) -> dict[str, Any]:
    """The figures of a matching: how many own leads are matched, and what it cost in requests and seconds."""
    return {
        "own_leads": outcome.own_leads,
        "matched": outcome.matched,
        "newly_linked": outcome.linked,
        "updated": outcome.updated,
        "not_found": outcome.not_found,
        "phones_not_searched": outcome.unsearched,
        "requests": outcome.requests,
        "seconds": round(outcome.seconds, 3),
    }


def table_metadata(columns: Iterable[TableColumn]) -> dict[str, Any]:
    """The columns of a raw table, and which are never empty."""
    listed = [
        dg.TableColumn(
            column.name,
            column.type,
            column.comment,
            dg.TableColumnConstraints(nullable=not column.is_never_null),
        )
        for column in columns
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=listed)}


def partition_metadata(rows: int) -> dict[str, Any]:
    """How many rows a partition holds, by the name under which the UI draws it."""
    return {"dagster/partition_row_count": rows}


def outcome_table(outcomes: Sequence[Outcome]) -> dg.MetadataValue[Any]:
    """The outcomes as a markdown table with a line for each entity."""
    titles = ("entity", "sync", "read", "changed", "deleted", "requests", "seconds", "")
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    for outcome in outcomes:
        figures = (
            outcome.rows_read,
            outcome.rows_changed,
            outcome.rows_deleted,
            outcome.requests,
            f"{outcome.seconds:.1f}",
        )
        cells = (outcome.entity, outcome.sync_type, *figures, "" if outcome.worked else "failed")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return dg.MetadataValue.md("\n".join(lines))


def build_metadata(project: Project, result: ModelResult) -> dict[str, Any]:
    """The figures and columns of a built model; a view has no number of rows."""
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
