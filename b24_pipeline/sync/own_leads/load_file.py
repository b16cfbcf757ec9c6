"""Loads a file of own ad leads into the database, or tries what loading it would do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.own_leads.imports import Imported, ImportRow, RefusedIds, import_rows
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.own_leads.lead_file import BadRow, LeadFile
from b24_pipeline.sync.own_leads.lead_rows import RowReader
from b24_pipeline.sync.own_leads.match_copy import phone_reader
from b24_pipeline.sync.own_leads.moments import DateOrder

_WAY_OUT = "export again without a spreadsheet in between, or leave ids out by --column id="
_ROUNDED = (
    "id ends in zeros as of a spreadsheet, which keeps 15 digits of a number; "
    "format the column as text in the spreadsheet and export again"
)
_SHARED = f"id is that of another row, with another person and time; {_WAY_OUT}"
_TAKEN = f"id is that of a stored lead, with another person and time, which stays; {_WAY_OUT}"


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What loading a file did: `bad` rows were not loaded; `unreadable` rows were, without a phone that can be read."""

    imported: Imported
    bad: list[BadRow]
    unreadable: int


def load_file(
    warehouse: Warehouse,
    portal: Portal,
    file: LeadFile,
    *,
    order: DateOrder | None = None,
    dry_run: bool = False,
) -> LoadedFile:
    """Loads the file in one transaction.

    Where the transaction has to be done again, the file is read again. A `dry_run` does all of it and rolls it back.
    """
    bad: list[BadRow] = []
    unreadable: list[int] = []
    reader = RowReader(ZoneInfo(portal.time_zone), phone_reader(portal), order)

    def rows() -> Iterator[ImportRow]:
        for cells in file.rows():
            row = cells if isinstance(cells, BadRow) else reader.lead_of(cells)
            if isinstance(row, BadRow):
                bad.append(row)
            else:
                if row.phone and not row.phones:
                    unreadable.append(row.line)
                yield row

    def work(connection: Connection) -> Imported:
        bad.clear()
        unreadable.clear()
        done = import_rows(connection, portal.id, rows(), file.columns.imported, file.path.name)
        if dry_run:
            connection.rollback()
        return done

    done = warehouse.transact(work)
    refused = [*bad, *_refused(done.refused)]
    known = {row.line for row in refused}
    return LoadedFile(
        done, sorted(refused, key=lambda row: row.line), sum(line not in known for line in unreadable)
    )


def _refused(refused: RefusedIds) -> Iterator[BadRow]:
    for lines, reason in ((refused.rounded, _ROUNDED), (refused.shared, _SHARED), (refused.taken, _TAKEN)):
        yield from (BadRow(line, reason) for line in lines)
