"""`b24 leads import` and `b24 match`: own ad leads are loaded, and matched to the CRM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from b24_pipeline import runtime
from b24_pipeline.commands.models import build_models
from b24_pipeline.commands.screen import complain, output, progress, say, table
from b24_pipeline.commands.sync import Names, NoModels, chosen_portals
from b24_pipeline.settings import settings
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.own_leads.imports import Imported, ImportRow, import_rows
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.own_leads.csv_file import COLUMNS, NEEDED, WINDOWS, BadRow, LeadFile, open_lead_file
from b24_pipeline.sync.own_leads.csv_rows import lead_of
from b24_pipeline.sync.own_leads.match import MatchOutcome, match_portals
from b24_pipeline.sync.own_leads.match_copy import link_own_leads
from b24_pipeline.sync.own_leads.qualify import mark_own_leads

_FILE = f"A CSV file with a header: {NEEDED} and any of {', '.join(column for column in COLUMNS if column != NEEDED)}."


def import_leads(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help=_FILE)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The portal.")],
) -> None:
    """Load own ad leads, and match them to what was copied of the CRM. Loading a file twice does no harm."""
    found = open_lead_file(file)
    if found.encoding == WINDOWS:
        say(f"note: {file.name} is read as Windows-1251")
    if found.unknown:
        say(f"note: unknown columns are left out: {', '.join(found.unknown)}")
    with runtime.opened(settings()) as opened:
        (portal,) = opened.portals.named([name])
        done, bad = _imported(opened.warehouse, portal, found)
        linked = link_own_leads(opened.warehouse, portal)
        mark_own_leads(opened.warehouse, portal)
    for row in bad:
        say(f"line {row.line}: {row.reason}")
    unchanged = done.rows - done.added - done.changed
    counts = f"{done.added} added, {done.changed} changed, {unchanged} as they were"
    repeated = f", {done.repeated} repeated in the file" if done.repeated else ""
    output.print(f"{name}: {counts}{repeated}, {len(bad)} bad; {linked.linked} newly linked to the CRM")
    if bad:
        raise typer.Exit(1)


def _imported(warehouse: Warehouse, portal: Portal, file: LeadFile) -> tuple[Imported, list[BadRow]]:
    """Loads the file in one transaction; where that has to be done again, the file is read again."""
    bad: list[BadRow] = []

    def rows() -> Iterator[ImportRow]:
        zone = ZoneInfo(portal.time_zone)
        for cells in file.rows():
            row = cells if isinstance(cells, BadRow) else lead_of(cells, zone)
            if isinstance(row, BadRow):
                bad.append(row)
            else:
                yield row

    def work(connection: Connection) -> Imported:
        bad.clear()
        return import_rows(connection, portal.id, rows(), file.columns)

    return warehouse.transact(work), bad


def match(
    names: Names = None,
    no_models: NoModels = False,
) -> None:
    """Match own ad leads to CRM leads and deals: in the copy, then by the portal's own search; then the models."""
    with runtime.opened(settings()) as opened:
        portals = chosen_portals(opened, names or [])
        with progress() as counted:
            done = match_portals(opened.connections, portals, opened.options(progress=counted))
        show_matched(done)
        if not no_models:
            build_models(opened)
    for matched in done:
        if matched.error:
            complain(str(matched.error))
        elif matched.unsearched:
            complain(
                f"{matched.portal}: the portal did not search for {matched.unsearched} phones; run it again"
            )
    if not all(matched.worked for matched in done):
        raise typer.Exit(1)


def show_matched(done: Sequence[MatchOutcome]) -> None:
    """Prints the table that a matching ends with: one line a portal."""
    titles = (
        *("portal", "own leads", "matched", "newly linked", "updated", "not found"),
        *("requests", "seconds", ""),
    )
    rows = [
        (
            matched.portal,
            matched.own_leads,
            matched.matched,
            matched.linked,
            matched.updated,
            matched.not_found,
            matched.requests,
            matched.seconds,
            "" if matched.worked else "failed",
        )
        for matched in done
    ]
    table(titles, rows, right=(1, 2, 3, 4, 5, 6, 7))
