"""`b24 export`: writes the rows of a mart as CSV or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b24_pipeline.commands import row_files
from b24_pipeline.commands.opening import database_to_read
from b24_pipeline.commands.screen import say
from b24_pipeline.store.database.exact_json import exact_json

if TYPE_CHECKING:
    from sqlalchemy.engine import CursorResult

    from b24_pipeline.read.marts import Mart

ROWS_AT_ONCE = 2000  # in memory, however many there are


def export(
    mart: Annotated[str, typer.Argument(help="The mart, such as fct_deal.")],
    name: Annotated[str, typer.Argument(help="The portal.")],
    first: Annotated[
        str | None,
        typer.Option(
            "--from", help="First day (YYYY-MM-DD), by the portal's clock; times in the file are in UTC."
        ),
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, included.")] = None,
    file: Annotated[Path | None, typer.Option("--output", help="A file; else stdout.")] = None,
    form: Annotated[
        row_files.FileFormat | None, typer.Option("--format", help="csv or json; by FILE's name, else csv.")
    ] = None,
    raw: row_files.Raw = False,
) -> None:
    """Write the rows of a mart; --from and --to go by its first column of days or times."""
    from b24_pipeline.read.connection import reading
    from b24_pipeline.read.marts import mart_of
    from b24_pipeline.read.rows import choice, rows_of

    chosen = choice(name, first=first, last=last)
    if form is None:
        form = row_files.format_of(file) if file else row_files.FileFormat.CSV
    with (
        database_to_read() as warehouse,
        reading(engine=warehouse.engine) as connection,
    ):
        found = mart_of(connection, mart)
        streaming = connection.execution_options(stream_results=True, max_row_buffer=ROWS_AT_ONCE)
        rows = rows_of(streaming, found, chosen)
        with row_files.opened_output(file) as out:
            names = [column.name for column in found.columns]
            count = row_files.write(_exact(found, rows), names, form, out, raw=raw)
    if file:
        say(f"{count} rows in {file}")


def _exact(mart: Mart, rows: CursorResult[Any]) -> Iterator[dict[str, Any]]:
    documents = [column.name for column in mart.columns if column.is_json]
    for row in rows.mappings():
        exact = dict(row)
        for name in documents:
            exact[name] = None if exact[name] is None else exact_json(exact[name])
        yield exact
