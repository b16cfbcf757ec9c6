"""The marts, as the catalogue of `dbt_like_sql/` and the database describe them."""

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
_FUNCTIONS = {
    "funnel_as_of": (
        "it is read by `read.funnel_as_of(portal, entity_type, moment)` in Python, "
        "and by `select * from analytics.funnel_as_of(portal, entity_type, moment)` in SQL"
    )
}
"""What is described beside the marts and is none, by name, with how it is read."""


@dataclass(frozen=True, slots=True)
class MartColumn:
    """A column of a mart: name, type as PostgreSQL names it, comment."""

    name: str
    type: str
    description: str

    @property
    def is_json(self) -> bool:
        """Whether the values are JSON."""
        return self.type in _JSON


@dataclass(frozen=True, slots=True)
class Mart:
    """A mart or view that can be read. `categories`: by column, the values that it may have, where these are few."""

    schema: str
    name: str
    columns: tuple[MartColumn, ...]
    categories: Mapping[str, tuple[str, ...]]

    @property
    def is_ours(self) -> bool:
        """Whether it is a mart of this package, whose columns we have named, and no view of custom fields."""
        return self.schema == catalogue().schema

    @property
    def relation(self) -> sql.Identifier:
        """The quoted name of the mart in the database."""
        return sql.Identifier(self.schema, self.name)

    def has(self, column: str) -> bool:
        """Whether the mart has a column of this name."""
        return any(known.name == column for known in self.columns)

    def date_column(self, name: str | None = None) -> MartColumn:
        """The column that a range of days is compared with: the named one, or the first with days or times.

        Raises WrongDates where the mart has no such column.
        """
        dated = [column for column in self.columns if column.type in (_DAY, _TIME)]
        found = next((column for column in dated if name in (None, column.name)), None)
        if found is None:
            names = ", ".join(column.name for column in dated)
            raise WrongDates(
                f"{self.name} has no date column {name!r}; it has {names or 'none'}"
                if name
                else f"{self.name} has no dates: it shows the present state"
            )
        return found


@cache
def catalogue() -> Project:
    """The SQL models of this version of the package."""
    return load_project()


def mart_models() -> dict[str, Model]:
    """The models that are marts, by name, sorted."""
    return {name: model for name, model in sorted(catalogue().models.items()) if model.is_mart}


def mart_of(connection: Connection, name: str) -> Mart:
    """The mart of this name. Raises UnknownMart, and DatabaseNotMigrated where it is not built."""
    known = mart_models()
    if name not in known:
        raise UnknownMart(name, known, _FUNCTIONS.get(name, ""))
    schema = catalogue().schema
    columns = columns_of(connection, schema, name)
    if not columns:
        raise DatabaseNotMigrated(
            f"the SQL model {name} is not built yet; run `b24 sync`, or `b24 models` if that was done"
        )
    return Mart(schema, name, columns, _categories(known[name]))


def columns_of(connection: Connection, schema: str, name: str) -> tuple[MartColumn, ...]:
    """The columns of a relation, in their order; empty where the relation does not exist."""
    text = statement("columns", relation_name=sql.Literal(quoted(schema, name))).as_string(None)
    return tuple(MartColumn(*row) for row in connection.exec_driver_sql(text))


def function_rows(connection: Connection, name: str) -> Mart:
    """What a function of the schema of the marts returns, as if it were a mart."""
    schema = catalogue().schema
    text = statement("function_columns", function_name=sql.Literal(quoted(schema, name))).as_string(None)
    columns = tuple(MartColumn(*row) for row in connection.exec_driver_sql(text))
    return Mart(schema, name, columns, {})


def _categories(model: Model) -> dict[str, tuple[str, ...]]:
    """By column, the values that its test `accepted_values` lists."""
    return {
        test.column: tuple(str(value) for value in _listed(test.arguments["values"]))
        for test in model.tests
        if test.kind == "accepted_values" and test.column
    }


def _listed(values: object) -> list[object]:
    return values if isinstance(values, list) else [values]
