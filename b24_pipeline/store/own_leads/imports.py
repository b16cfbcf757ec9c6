"""Own ad leads from a file: COPY into a staging table, then one merge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)


class ImportRow(NamedTuple):
    """A row of a file, in the order of COPY.

    `import_key`: what makes it the same lead in the next file; `earlier_key`: what an earlier version has made it by,
    if another. `person`: who left it, and `phones` in E.164, for comparing. `id_digits` and `id_zeros`: how many digits
    its id has beyond those that a spreadsheet keeps, and how many if they are all zeros. `created_at` is ISO.
    """

    line: int
    import_key: str
    earlier_key: str | None
    person: str
    phones: list[str]
    id_digits: int
    id_zeros: int
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    creative: str | None = None
    direction: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    utm_term: str | None = None
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedIds:
    """The lines of rows whose id cannot be theirs.

    `rounded`: a spreadsheet has rounded it; `shared`: another row of the file has the id, and is of another person and
    time; `taken`: a lead that is stored has it, and is of another person and time.
    """

    rounded: list[int]
    shared: list[int]
    taken: list[int]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did to so many leads. `repeated`: rows beside them that a later one of the file stands for."""

    rows: int
    added: int
    changed: int
    repeated: int
    refused: RefusedIds
    alike: int


def import_rows(
    connection: Connection, account: UUID, rows: Iterable[ImportRow], columns: Sequence[str], file: str
) -> Imported:
    """Adds new leads and changes known ones, in the caller's transaction; rows whose id cannot be theirs stay out.

    `columns`: those that the file has; what it lacks stays as it is stored. `file`: its name, for the audit.
    """
    _sql.make_staging(connection)
    with connection.cursor().copy(_sql.copy_rows.sql) as copy:
        for row in rows:
            copy.write_row(row)
    _sql.analyze_staging(connection)
    refused = RefusedIds(
        rounded=_lines(_sql.refuse_rounded_ids(connection)),
        shared=_lines(_sql.refuse_shared_ids(connection)),
        taken=_lines(_sql.refuse_taken_ids(connection, account=account)),
    )
    read, repeated = _sql.drop_repeated(connection)
    _sql.take_over_earlier_keys(connection, account=account)
    _sql.add_directions(connection, account=account)
    _sql.add_creatives(connection, account=account)
    _sql.forget_directions_of_several(connection, account=account)
    changed = _sql.change(connection, account=account, columns=list(columns))
    alike = int(_sql.count_alike(connection, account=account))
    added = _sql.add(connection, account=account)
    _sql.note_import(connection, account=account, file=file, added=added, changed=changed)
    return Imported(read - repeated, added, changed, repeated, refused, alike)


def _lines(rows: Iterable[tuple[Any, ...]]) -> list[int]:
    return sorted(line for (line,) in rows)
