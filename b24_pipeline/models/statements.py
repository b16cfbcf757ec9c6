"""The runner's own SQL, from sql/*.sql: each statement has a name, and identifiers are filled in quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

from psycopg import sql

_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def statement(name: str, /, **parts: sql.Composable) -> sql.Composed:
    """The named statement with its `{parts}` filled in."""
    return sql.SQL(_statements()[name]).format(**parts)


def query(text: LiteralString | str) -> sql.SQL:
    """A rendered model or check, as it is: it comes from the project, which is code."""
    return sql.SQL(text)


def columns_of(names: Iterable[str], alias: str | None = None) -> sql.Composed:
    """A list of columns, each as `alias.column` if there is an alias."""
    prefix = [alias] if alias else []
    return sql.SQL(", ").join(sql.Identifier(*prefix, name) for name in names)


@cache
def _statements() -> dict[str, LiteralString]:
    found: dict[str, LiteralString] = {}
    for path in sorted(_FOLDER.glob("*.sql")):
        _, *parts = _NAME.split(path.read_text("utf-8"))
        found |= {
            name: cast("LiteralString", text.strip())
            for name, text in zip(parts[::2], parts[1::2], strict=True)
        }
    return found
