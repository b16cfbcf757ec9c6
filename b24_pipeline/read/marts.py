"""Marts as the catalogue of `dbt_like_sql/` and the database describe them: nothing here is listed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from psycopg import sql
from sqlalchemy.engine import Connection

from b24_pipeline.errors import DatabaseNotMigrated, UnknownMart, WrongDates
from b24_pipeline.models import Model, Project, load_project
from b24_pipeline.store.database.statements import Statements, quoted

statement = Statements(Path(__file__).parent / "sql")

_DAY = "date"
_TIME = "timestamp with time zone"
_JSON = ("json", "jsonb")


@dataclass(frozen=True, slots=True)
class MartColumn:
    """A column, its type in PostgreSQL's words, and its comment."""

    name: str
    type: str
    description: str

    @property
    def is_json(self) -> bool:
        """Whether its values are objects or lists of JSON."""
        return self.type in _JSON


@dataclass(frozen=True, slots=True)
class Mart:
    """A mart or view that can be read. `categories`: the values that a column may have, where they are few."""

    schema: str
    name: str
    columns: tuple[MartColumn, ...]
    categories: Mapping[str, tuple[str, ...]]

    @property
    def relation(self) -> sql.Identifier:
        """Its quoted name."""
        return sql.Identifier(self.schema, self.name)

    def has(self, column: str) -> bool:
        """Whether it has a column of this name."""
        return any(one.name == column for one in self.columns)

    def date_column(self, name: str | None = None) -> MartColumn:
        """What days are about: the column of this name, or the first one that holds days or times.

        Raises WrongDates where there is none.
        """
        dated = [one for one in self.columns if one.type in (_DAY, _TIME)]
        found = next((one for one in dated if name in (None, one.name)), None)
        if found is None:
            names = ", ".join(one.name for one in dated)
            raise WrongDates(
                f"{self.name} has no date column {name!r}; it has {names or 'none'}"
                if name
                else f"{self.name} has no dates: it is as things stand now"
            )
        return found


@cache
def catalogue() -> Project:
    """The models of this version."""
    return load_project()


def mart_models() -> dict[str, Model]:
    """The models for analysts, by name."""
    return {name: model for name, model in sorted(catalogue().models.items()) if model.is_mart}


def mart_of(connection: Connection, name: str) -> Mart:
    """The mart of this name. Raises UnknownMart, and DatabaseNotMigrated where it is not built."""
    known = mart_models()
    if name not in known:
        raise UnknownMart(name, known)
    schema = catalogue().schema
    columns = columns_of(connection, schema, name)
    if not columns:
        raise DatabaseNotMigrated(f"the SQL model {name} is not built yet; run `b24 models`")
    return Mart(schema, name, columns, _categories(known[name]))


def columns_of(connection: Connection, schema: str, name: str) -> tuple[MartColumn, ...]:
    """Columns of a relation in their order; none where it is not there."""
    text = statement("columns", relation_name=sql.Literal(quoted(schema, name))).as_string(None)
    return tuple(MartColumn(*row) for row in connection.exec_driver_sql(text))


def _categories(model: Model) -> dict[str, tuple[str, ...]]:
    """A column that is tested for its values has these."""
    return {
        test.column: tuple(str(value) for value in _listed(test.arguments["values"]))
        for test in model.tests
        if test.kind == "accepted_values" and test.column
    }


def _listed(values: object) -> list[object]:
    return values if isinstance(values, list) else [values]
