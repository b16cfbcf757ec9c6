"""`b24 leads import` and `b24 match`: own ad leads are loaded, and matched to the CRM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from b24_pipeline.commands.models import build_models, update_models
from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import complain, output, progress, say, table
from b24_pipeline.commands.sync import Names, NoModels, chosen_portals
from b24_pipeline.store.own_leads.matches import Linked
from b24_pipeline.sync.own_leads.lead_columns import COLUMNS, read_choices
from b24_pipeline.sync.own_leads.lead_file import LeadFile, open_lead_file
from b24_pipeline.sync.own_leads.load_file import LoadedFile, load_file
from b24_pipeline.sync.own_leads.match import MatchOutcome, match_portals
from b24_pipeline.sync.own_leads.match_copy import link_own_leads
from b24_pipeline.sync.own_leads.moments import DateOrder
from b24_pipeline.sync.own_leads.qualify import mark_own_leads
from b24_pipeline.sync.own_leads.text_file import WINDOWS

_FILE = "A CSV file or .xlsx with a header: an export of an ad system as it is, or columns of our names."
_COLUMN = (
    f"Which column of the file is which of ours, such as phone=Тел, where the header does not say it; an empty name "
    f"leaves ours out. Ours are {', '.join(COLUMNS)}. Can be repeated."
)


def import_leads(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_FILE)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The portal.")],
    columns: Annotated[
        list[str] | None, typer.Option("--column", metavar="OURS=NAME", help=_COLUMN, show_default=False)
    ] = None,
    date_order: Annotated[
        DateOrder | None, typer.Option(help="What comes first in dates such as 03/04/2026: day or month.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be loaded and from which columns; store nothing."),
    ] = False,
    no_models: NoModels = False,
) -> None:
    """Load own ad leads, and match them to what was copied of the CRM; then the models. Twice does no harm."""
    found = open_lead_file(file, read_choices(columns or ()))
    _tell_columns(found, in_full=dry_run)
    with installation() as opened:
        (portal,) = opened.portals.named([name])
        loaded = load_file(opened.warehouse, portal, found, order=date_order, dry_run=dry_run)
        linked = Linked() if dry_run else link_own_leads(opened.warehouse, portal)
        if not dry_run:
            mark_own_leads(opened.warehouse, portal)
        built = None if dry_run or no_models else update_models(opened)
    for row in loaded.bad:
        say(f"line {row.line}: {row.reason}")
    if loaded.unreadable:
        say(f"note: {loaded.unreadable} rows have a phone that cannot be read: they will match nobody")
    after = "nothing was stored: it was a dry run" if dry_run else f"{linked.linked} newly linked to the CRM"
    output.print(f"{name}: {_counts(loaded)}; {after}")
    if built:
        built.raise_for_own_models()
    if loaded.bad:
        raise typer.Exit(1)


def _counts(loaded: LoadedFile) -> str:
    done = loaded.imported
    unchanged = done.rows - done.added - done.changed
    repeated = f", {done.repeated} repeated in the file" if done.repeated else ""
    counts = f"{done.added} added, {done.changed} changed, {unchanged} as they were"
    alike = (
        f"; {done.alike} of the added have the phone and the time of leads loaded before, with other columns"
        if done.alike
        else ""
    )
    return f"{counts}{repeated}, {len(loaded.bad)} bad{alike}"


def _tell_columns(file: LeadFile, *, in_full: bool) -> None:
    """Says how the file is read: in a table, or only what a user would not expect."""
    if file.encoding == WINDOWS:
        say(f"note: {file.path.name} is read as Windows-1251")
    taken, unknown = file.columns.taken, file.columns.unknown
    if in_full:
        table(("column of the file", "is our"), [*taken, *((name, "(left out)") for name in unknown)])
        return
    others = [f"{theirs} as {ours}" for theirs, ours in taken if theirs.strip().lower() != ours]
    if others:
        say(f"note: columns are taken so: {', '.join(others)}")
    if unknown:
        say(f"note: unknown columns are left out: {', '.join(unknown)}")


def match(
    names: Names = None,
    no_models: NoModels = False,
) -> None:
    """Match own ad leads to CRM leads and deals: in the copy, then by the portal's own search; then the models."""
    with installation() as opened:
        portals = chosen_portals(opened, names or [])
        with progress() as counted:
            done = match_portals(opened.connections, portals, opened.options(progress=counted))
        show_matched(done)
        if not no_models:
            build_models(opened, only_changed=True).raise_for_own_models()
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
