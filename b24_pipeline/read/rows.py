"""The rows of a mart, by portal, entity type and days."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from psycopg import sql
from sqlalchemy.engine import Connection, CursorResult

from b24_pipeline.entities import BY_NAME
from b24_pipeline.errors import UnknownPortal, UsageError, WrongDates
from b24_pipeline.read.marts import Mart, catalogue, columns_of, function_rows, mart_models, statement

Day: TypeAlias = date | str

PORTALS = "dim_portal"
FUNNEL_AS_OF = "funnel_as_of"
FUNCTIONS = ("creatives_of", "funnel_of", "people_of")
FUNNEL_OF_NOW = "funnel_stats"
_THEN = {
    "in_stage": "Those who were in the stage at the moment and are not deleted since.",
    "reached": "Those alive now who had been in the stage by the moment.",
    "amount_in_base": (
        "Sum of their amounts of now in base_currency_id, by the rates of now: 0 where there is nothing to sum up, "
        "null where a rate is not known."
    ),
    "base_currency_id": "The currency of the portal's account (ISO 4217).",
}
"""What columns mean in the funnel at a moment alone."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows are read; None sets no limit.

    `first`, `last`: days in the portal's time zone, both included.
    """

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
    """A checked choice of rows. Raises WrongDates, and UsageError for an unknown entity type."""
    if entity_type not in (None, *BY_NAME):
        raise UsageError(f"{entity_type!r} is no entity type; known: {', '.join(BY_NAME)}")
    made = Choice(portal, entity_type, _day(first), _day(last), date_column)
    if made.first and made.last and made.last < made.first:
        raise WrongDates(f"the days end ({made.last}) before they begin ({made.first})")
    return made


def rows_of(connection: Connection, mart: Mart, chosen: Choice) -> CursorResult[Any]:
    """The chosen rows, JSON as text. Raises UnknownPortal, WrongDates, UsageError for a column that is missing."""
    _require(connection, mart, chosen)
    text = statement(
        "rows",
        columns=[{"name": sql.Identifier(column.name), "is_json": column.is_json} for column in mart.columns],
        relation=mart.relation,
        portals=sql.Identifier(catalogue().schema, PORTALS),
        by_portal=chosen.portal is not None,
        by_entity_type=chosen.entity_type is not None,
        portal=sql.Placeholder("portal"),
        entity_type=sql.Placeholder("entity_type"),
        first=sql.Placeholder("first"),
        last=sql.Placeholder("last"),
        **_by_days(mart, chosen),
    )
    parameters = {
        "portal": chosen.portal,
        "entity_type": chosen.entity_type,
        "first": chosen.first,
        "last": chosen.last,
    }
    return connection.exec_driver_sql(text.as_string(None), parameters)


def chosen_pipelines(
    pipeline: int | str, pipelines: Iterable[tuple[int, str]]
) -> Collection[tuple[int, str]]:
    """Those of these pipelines, number and name, that have this number or name, as in `b24 funnel --pipeline`.

    There may be several, of several portals. UsageError lists those that there are.
    """
    known = sorted(set(pipelines))
    wanted = str(pipeline).strip().casefold()
    found = [one for one in known if wanted == str(one[0])]
    found = found or [one for one in known if wanted == str(one[1]).strip().casefold()]
    if not found:
        there_are = ", ".join(f"{number} {name}" for number, name in known)
        raise UsageError(f"there is no pipeline {pipeline!r}; there are: {there_are}")
    return found


def funnel_at(connection: Connection, portal: str, entity_type: str, moment: Day) -> tuple[Mart, list[Any]]:
    """The funnel as it stood at a moment, by the function of the database. Raises WrongDates."""
    at = _moment(moment)
    text = statement(
        "funnel_as_of",
        portals=sql.Identifier(catalogue().schema, PORTALS),
        relation=sql.Identifier(catalogue().schema, FUNNEL_AS_OF),
        is_local=at.tzinfo is None,
        portal=sql.Placeholder("portal"),
        entity_type=sql.Placeholder("entity_type"),
        moment=sql.Placeholder("moment"),
    )
    parameters = {"portal": portal, "entity_type": entity_type, "moment": at}
    rows = connection.exec_driver_sql(text.as_string(None), parameters).fetchall()
    return function_rows(connection, FUNNEL_AS_OF), list(rows)


def moment_of(connection: Connection, portal: str, given: Day) -> datetime:
    """A moment with its zone: one that is given without is of the portal's clock. Raises WrongDates."""
    at = _moment(given)
    if at.tzinfo is not None:
        return at
    text = statement(
        "zone",
        relation=sql.Identifier(catalogue().schema, PORTALS),
        portal=sql.Placeholder("portal"),
    )
    zone = connection.exec_driver_sql(text.as_string(None), {"portal": portal}).scalar_one()
    return at.replace(tzinfo=ZoneInfo(zone))


def called(connection: Connection, name: str, arguments: Mapping[str, object]) -> tuple[Mart, list[Any]]:
    """The rows of a function of the marts' schema, by the names of its arguments; those that are None stay out."""
    given = {key: value for key, value in arguments.items() if value is not None}
    found = function_rows(connection, name)
    text = statement(
        "called",
        columns=[
            {"name": sql.Identifier(column.name), "is_json": column.is_json} for column in found.columns
        ],
        relation=sql.Identifier(catalogue().schema, name),
        arguments=[{"name": sql.Identifier(key), "value": sql.Placeholder(key)} for key in given],
    )
    return found, list(connection.exec_driver_sql(text.as_string(None), given).fetchall())


def described_funnel(connection: Connection) -> Mart:
    """The columns of the funnel at a moment; what those say that the funnel of now has too is said of them there."""
    said = mart_models()[FUNNEL_OF_NOW].columns
    found = function_rows(connection, FUNNEL_AS_OF)
    columns = (
        replace(column, description=_THEN.get(column.name) or said.get(column.name, ""))
        for column in found.columns
    )
    return replace(found, columns=tuple(columns))


def _moment(given: Day) -> datetime:
    """A moment, given as such, as a day, which means its first moment, or as ISO text."""
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else given
        return at if isinstance(at, datetime) else datetime.combine(at, time())
    except (TypeError, ValueError):
        raise WrongDates(f"{given!r} is no moment; expected YYYY-MM-DD or YYYY-MM-DDTHH:MM+HH:MM") from None


def _require(connection: Connection, mart: Mart, chosen: Choice) -> None:
    for column in ("portal", "entity_type"):
        if getattr(chosen, column) is not None and not mart.has(column):
            raise UsageError(f"{mart.name} has no column {column}; read it without that choice")
    if chosen.portal is not None:
        require_portal(connection, chosen.portal)


def require_portal(connection: Connection, portal: str) -> None:
    """Raises UnknownPortal unless the models know a portal of this name."""
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
    """A day, given as such or as ISO text. A time other than midnight is refused: its hours would be lost."""
    if given is None:
        return None
    try:
        day = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise WrongDates(f"{given!r} is no day; expected YYYY-MM-DD") from None
    if not isinstance(day, datetime):
        if not isinstance(day, date):
            raise WrongDates(f"{given!r} is no day; expected YYYY-MM-DD, or a datetime.date")
        return day
    if day.timetz() != time():
        raise WrongDates(f"{given} is a time; expected a day in the portal's time zone")
    return day.date()
