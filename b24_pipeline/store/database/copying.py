"""Rows as COPY reads them: made ahead of the transaction that sends them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

CopyRow = tuple[str | None, ...]

# the backslash first: the others bring new ones
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows of one portal in the text format of COPY, the account id in front of each."""

    content: bytes = b""
    count: int = 0

    def __len__(self) -> int:
        return self.count


def lines(account: UUID, rows: Sequence[CopyRow]) -> Lines:
    """Makes rows ready for COPY: texts and nulls, escaped column by column, since there are fewer columns than rows."""
    if not rows:
        return Lines()
    columns = map(_escaped, zip(*rows, strict=True))
    # encoded one by one: a single letter beyond Latin doubles the room of a text
    encoded = [line.encode() for line in map("\t".join, zip(*columns, strict=True))]
    begin = f"{account}\t".encode()
    return Lines(begin + (b"\n" + begin).join(encoded) + b"\n", len(rows))


def _escaped(column: Sequence[str | None]) -> list[str]:
    """Null is `\\N`. NUL can stand between the values, because PostgreSQL stores none."""
    joined = "\0".join(["" if value is None else value for value in column])
    if not any(raw in joined for raw, _ in _ESCAPES):
        return ["\\N" if value is None else value for value in column]
    for raw, escaped in _ESCAPES:
        joined = joined.replace(raw, escaped)
    return ["\\N" if value is None else text for value, text in zip(column, joined.split("\0"), strict=True)]


def copy_in(connection: psycopg.Connection, table: sql.Identifier, names: Iterable[str], rows: Lines) -> None:
    """Copies rows, texts in the order of `names`, into a table with a `user_account_id`."""
    listed = sql.SQL(", ").join(map(sql.Identifier, ("user_account_id", *names)))
    with connection.cursor().copy(sql.SQL("copy {} ({}) from stdin").format(table, listed)) as copy:
        copy.write(rows.content)
