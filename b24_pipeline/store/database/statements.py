"""SQL that names tables, roles or schemas, which no parameter can: quoted parts are filled into a file's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import LiteralString, TypeAlias

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment
from psycopg import sql

_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined)
Part: TypeAlias = sql.Composable | bool | list[Mapping[str, "sql.Composable | bool | None"]] | None
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Statements:
    """The named statements of a folder's `*.sql` files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, /, **parts: Part) -> sql.SQL:
        """The named statement with its `{{ parts }}`, which psycopg has quoted; flags and lists steer it."""
        return query(self._templates[name].render({key: _rendered(part) for key, part in parts.items()}))

    @cached_property
    def _templates(self) -> dict[str, Template]:
        found: dict[str, Template] = {}
        for path in sorted(self._folder.glob("*.sql")):
            _, *parts = _NAME.split(path.read_text("utf-8"))
            for name, text in zip(parts[::2], parts[1::2], strict=True):
                found[name] = _ENVIRONMENT.from_string(text.strip().removesuffix(";"))
        return found


def _rendered(part: Part) -> object:
    if isinstance(part, sql.Composable):
        return part.as_string(None)
    if isinstance(part, list):
        return [{key: _rendered(value) for key, value in row.items()} for row in part]
    return part


def query(text: LiteralString | str) -> sql.SQL:
    """Marks a text as SQL that needs no quoting: a file's, a model's, or a view's own definition."""
    return sql.SQL(text)


def columns_of(names: Iterable[str], alias: str | None = None) -> sql.Composed:
    """The names as a list of quoted columns, each as `alias.column` where an alias is given."""
    prefix = [alias] if alias else []
    return sql.SQL(", ").join(sql.Identifier(*prefix, name) for name in names)


def quoted(schema: str, name: str) -> str:
    """The quoted name of a relation as text, such as "analytics"."dim_stage"."""
    return sql.Identifier(schema, name).as_string(None)


statement = Statements(Path(__file__).parent / "ddl")
