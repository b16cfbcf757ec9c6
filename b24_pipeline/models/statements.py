"""The runner's own SQL, from sql/*.sql: each statement has a name, and quoted parts are filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import LiteralString

from jinja2 import Template
from psycopg import sql

from b24_pipeline.models.template import ENVIRONMENT

_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def statement(name: str, /, **parts: sql.Composable) -> sql.SQL:
    """The named statement with its `{{ parts }}`, which psycopg has quoted."""
    return query(_statements()[name].render({key: part.as_string(None) for key, part in parts.items()}))


def query(text: LiteralString | str) -> sql.SQL:
    """A rendered model or check, as it is: it comes from the project, which is code."""
    return sql.SQL(text)


def columns_of(names: Iterable[str], alias: str | None = None) -> sql.Composed:
    """A list of columns, each as `alias.column` if there is an alias."""
    prefix = [alias] if alias else []
    return sql.SQL(", ").join(sql.Identifier(*prefix, name) for name in names)


@cache
def _statements() -> dict[str, Template]:
    found: dict[str, Template] = {}
    for path in sorted(_FOLDER.glob("*.sql")):
        _, *parts = _NAME.split(path.read_text("utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            found[name] = ENVIRONMENT.from_string(text.strip().removesuffix(";"))
    return found
