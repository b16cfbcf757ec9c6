"""Rows of a mart, chosen by portal, entity type and days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeAlias

from psycopg import sql
from sqlalchemy.engine import Connection, CursorResult

from b24_pipeline.entities import BY_NAME
from b24_pipeline.errors import UnknownPortal, UsageError, WrongDates
from b24_pipeline.read.marts import Mart, catalogue, columns_of, statement

Day: TypeAlias = date | str

PORTALS = "dim_portal"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows; None is all. Days are included, and are days of the portal's clock."""

    portal: str | None = None
    entity_type: str | None = None
    first: date | None = None
    last: date | None = None
    date_column: str | None = None


def choice(
    portal: str | None = None,
    entity_type: str | None = None,
    first: Day | None = None,
    last: Day | None = None,
    date_column: str | None = None,
) -> Choice:
    """A choice from what a person gave. Raises WrongDates, and UsageError for an unknown entity type."""
    if entity_type not in (None, *BY_NAME):
        raise UsageError(f"{entity_type!r} is no entity type; known: {', '.join(BY_NAME)}")
    made = Choice(portal, entity_type, _day(first), _day(last), date_column)
    if made.first and made.last and made.last < made.first:
        raise WrongDates(f"the days end ({made.last}) before they begin ({made.first})")
    return made


def rows_of(connection: Connection, mart: Mart, chosen: Choice) -> CursorResult[Any]:
    """The rows, JSON as text. Raises UnknownPortal, WrongDates, and UsageError for what the mart does not tell."""
    _require(connection, mart, chosen)
    text = statement(
        "rows",
        columns=[{"name": sql.Identifier(one.name), "is_json": one.is_json} for one in mart.columns],
        relation=mart.relation,
        portals=sql.Identifier(catalogue().schema, PORTALS),
        of_portal=chosen.portal is not None,
        of_entity_type=chosen.entity_type is not None,
        portal=sql.Placeholder("portal"),
        entity_type=sql.Placeholder("entity_type"),
        first=sql.Placeholder("first"),
        last=sql.Placeholder("last"),
        **_by_days(mart, chosen),
    )
    given = {
        "portal": chosen.portal,
        "entity_type": chosen.entity_type,
        "first": chosen.first,
        "last": chosen.last,
    }
    return connection.exec_driver_sql(text.as_string(None), given)


def _require(connection: Connection, mart: Mart, chosen: Choice) -> None:
    for column in ("portal", "entity_type"):
        if getattr(chosen, column) is not None and not mart.has(column):
            raise UsageError(f"{mart.name} does not tell the {column}; read all of it")
    if chosen.portal is not None:
        require_portal(connection, chosen.portal)


def require_portal(connection: Connection, portal: str) -> None:
    """Raises UnknownPortal."""
    schema = catalogue().schema
    if not columns_of(connection, schema, PORTALS):
        return  # the models are not built: whatever is asked for is missing too
    text = statement("portals", relation=sql.Identifier(schema, PORTALS)).as_string(None)
    known = [name for (name,) in connection.exec_driver_sql(text)]
    if portal not in known:
        raise UnknownPortal(portal, known)


def _by_days(mart: Mart, chosen: Choice) -> dict[str, sql.Identifier | None]:
    by: dict[str, sql.Identifier | None] = {"day_column": None, "time_column": None}
    if chosen.first or chosen.last or chosen.date_column:
        column = mart.date_column(chosen.date_column)
        by["day_column" if column.type == "date" else "time_column"] = sql.Identifier(column.name)
    return by


def _day(given: Day | None) -> date | None:
    """A day, or its ISO form; a time only at midnight, since hours would be left out without a word."""
    if given is None:
        return None
    try:
        told = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise WrongDates(f"{given!r} is no day; expected YYYY-MM-DD") from None
    if not isinstance(told, datetime):
        if not isinstance(told, date):
            raise WrongDates(f"{given!r} is no day; expected YYYY-MM-DD, or a datetime.date")
        return told
    if told.timetz() != time():
        raise WrongDates(f"{given} is a time; a day was expected, by the portal's clock")
    return told.date()
