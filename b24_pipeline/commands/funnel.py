"""`b24 funnel`: shows the funnel of a portal, or writes it to a file."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from b24_pipeline.commands import row_files
from b24_pipeline.commands.opening import database_to_read
from b24_pipeline.commands.screen import heading, output, say_left_out, table
from b24_pipeline.errors import UsageError
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.marts.funnel import counted_of, funnel_rows, pipelines, require_portal


class Format(StrEnum):
    """The form in which figures are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def funnel(
    name: Annotated[str, typer.Argument(help="The portal.")],
    entity_type: Annotated[
        str | None, typer.Option(help="lead or deal; by default deals, leads where the portal has no deals.")
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option(metavar="NUMBER|NAME", help="Only this pipeline; headings show the numbers.")
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="table, csv or json; table unless FILE says otherwise.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--output", help="A file for csv or json.")] = None,
    raw: row_files.Raw = False,
) -> None:
    """Show the funnel of a portal."""
    if entity_type not in (None, "lead", "deal"):
        raise UsageError(f"{entity_type!r} has no funnel; choose lead or deal")
    if file and form is Format.TABLE:
        raise UsageError("a table is for the terminal; write csv or json into the file")
    if form is None:
        form = Format(row_files.format_of(file)) if file else Format.TABLE
    with database_to_read() as warehouse:
        rows = _funnel(warehouse, name, entity_type, pipeline)
    if form is Format.TABLE:
        _as_table(rows)
        return
    with row_files.opened_output(file) as out:
        row_files.write(rows, list(rows[0]), row_files.FileFormat(form), out, raw=raw)


def show_funnel(warehouse: Warehouse, name: str, counted: str) -> None:
    """Prints the funnel of a portal's leads or deals (`counted`: lead or deal) on the terminal."""
    output.print()
    _as_table(_funnel(warehouse, name, counted))


def _funnel(
    warehouse: Warehouse, name: str, entity_type: str | None, pipeline: str | None = None
) -> list[dict[str, Any]]:
    with warehouse.connect() as connection:
        require_portal(connection, name)
        counted = entity_type or counted_of(connection, name)
        known = pipelines(connection, name, counted)
        number = _number_of(pipeline, known, f"{name}: {counted}s") if pipeline and known else None
        rows = funnel_rows(connection, name, counted, number)
    if not rows:
        raise UsageError(f"{name} has no {counted} funnel; has it been synced? (b24 sync {name})")
    return rows


def _number_of(pipeline: str, known: dict[int, str], whose: str) -> int:
    """The number of the pipeline that was given by number or name. UsageError says which there are to choose from."""
    wanted = pipeline.strip().casefold()
    named = {number: title for number, title in known.items() if wanted == title.strip().casefold()}
    # a name may be a number too: as in b24_pipeline.read, the number counts
    found = {number: title for number, title in known.items() if wanted == str(number)} or named
    if len(found) == 1:
        return next(iter(found))
    there_are = ", ".join(f"{number} {title}" for number, title in (found or known).items())
    if found:
        raise UsageError(
            f"{whose} have several pipelines {pipeline!r}; choose one by its number: {there_are}"
        )
    raise UsageError(f"{whose} have no pipeline {pipeline!r}; there are: {there_are}")


def _as_table(rows: list[dict[str, Any]]) -> None:
    left_out: list[str] = []
    for category in dict.fromkeys(row["category_id"] for row in rows):
        stages = [row for row in rows if row["category_id"] == category]
        if category != rows[0]["category_id"]:
            output.print()
        heading(
            stages[0]["category_name"], f" (pipeline {category}, {stages[0]['entered']} entered, all time)"
        )
        most = max([row["reached"] for row in stages] + [1])
        titles = (
            "stage",
            "in stage",
            "reached",
            "",
            "from start",
            "from previous",
            "median",
            "amount in stage",
        )
        lines = [_stage(row, most) for row in stages]
        left_out += table(titles, lines, right=(1, 2, 4, 5, 6), gives_way=(7, 6, 5, 4, 3))
    say_left_out(left_out, "--format csv")


def _stage(row: dict[str, Any], most: int) -> tuple[Any, ...]:
    return (
        f"{row['status_name']} (deleted)" if row["is_deleted"] else row["status_name"],
        row["in_stage"],
        row["reached"],
        "█" * round(20 * row["reached"] / most),
        _share(row["conversion_from_start"]),
        "" if row["semantics"] == "failure" else _share(row["conversion_from_previous"]),
        _duration(row["median_seconds"]),
        _money(row),
    )


def _share(value: Any) -> str:
    return "" if value is None else f"{float(value):.1%}"


def _duration(seconds: Any) -> str:
    if seconds is None:
        return ""
    hours = float(seconds) / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} d"


def _money(row: dict[str, Any]) -> tuple[str, ...]:
    """Amounts, each currency by itself: they are never added up."""
    amounts = row.get("amounts_by_currency") or {}
    return tuple(
        f"{Decimal(str(amount)):,.0f} {currency}".replace(",", " ") for currency, amount in amounts.items()
    )
