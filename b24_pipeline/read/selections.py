"""Figures of some of a portal's leads or deals, by functions of the marts' schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from b24_pipeline.errors import UsageError
from b24_pipeline.read.connection import reading
from b24_pipeline.read.frames import frame
from b24_pipeline.read.marts import mart_of
from b24_pipeline.read.rows import (
    Choice,
    Day,
    called,
    choice,
    chosen_pipelines,
    moment_of,
    require_portal,
    rows_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.engine import Connection, Engine


def funnel_of(  # noqa: PLR0913 - each is a filter, given by its name
    portal: str,
    entity_type: str = "deal",
    *,
    pipeline: int | str | None = None,
    created_from: Day | None = None,
    created_to: Day | None = None,
    source_id: str | None = None,
    assigned_by_id: int | None = None,
    utm_campaign: str | None = None,
    is_qualified: bool | None = None,
    moment: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """The funnel of some of a portal's leads or deals, one row a stage: those that fulfil all that is given.

    By day of creation, source, responsible person of now, campaign and qualification; with `moment` as it stood then.
    `reached_implied` and `reached_strict` beside `reached` are the other two definitions. `pipeline`: its number or its
    name. Raises UnknownPortal, WrongDates, and UsageError for a pipeline that there is not.
    """
    if entity_type not in ("lead", "deal"):
        raise UsageError(f"{entity_type!r} has no funnel; choose lead or deal")
    days = choice(first=created_from, last=created_to)
    if isinstance(assigned_by_id, str):
        raise UsageError(f"assigned_by_id is a number, not {assigned_by_id!r}; `dim_user` has them by name")
    arguments: dict[str, object] = {
        "source_id": source_id,
        "assigned_by_id": assigned_by_id,
        "utm_campaign": utm_campaign,
        "is_qualified": is_qualified,
    }
    with reading(url, engine) as connection:
        require_portal(connection, portal)
        arguments["pipeline"] = _number_of(connection, portal, entity_type, pipeline)
        arguments["ts"] = None if moment is None else moment_of(connection, portal, moment)
        return _selected(connection, "funnel_of", portal, entity_type, days, arguments)


def people_of(
    portal: str,
    entity_type: str = "deal",
    *,
    pipeline: int | str | None = None,
    closed_from: Day | None = None,
    closed_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """What each responsible person of now has open, and has won and lost from day to day, one row a person.

    `pipeline`: its number or its name. Raises UnknownPortal, WrongDates, and UsageError for one that there is not.
    """
    if entity_type not in ("lead", "deal"):
        raise UsageError(f"{entity_type!r} is won by nobody; choose lead or deal")
    days = choice(first=closed_from, last=closed_to)
    with reading(url, engine) as connection:
        require_portal(connection, portal)
        number = _number_of(connection, portal, entity_type, pipeline)
        return _selected(connection, "people_of", portal, entity_type, days, {"pipeline": number})


def creatives_of(
    portal: str,
    entity_type: str = "deal",
    *,
    by: Literal["creative", "campaign"] = "creative",
    direction: UUID | str | None = None,
    left_from: Day | None = None,
    left_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """What the own ad leads that were left in these days have brought, one row a creative or campaign and direction.

    `direction`: of one alone, by its `direction_id`. Without days the rows are those of `creative_stats`. Raises
    UnknownPortal and WrongDates.
    """
    if entity_type not in ("lead", "deal"):
        raise UsageError(f"own leads become no {entity_type!r}; choose lead or deal")
    if by not in ("creative", "campaign"):
        raise UsageError(f"{by!r} is nothing to count by; choose creative or campaign")
    days = choice(first=left_from, last=left_to)
    with reading(url, engine) as connection:
        require_portal(connection, portal)
        arguments = {"direction": _direction(direction), "by": by}
        return _selected(connection, "creatives_of", portal, entity_type, days, arguments)


def _selected(
    connection: Connection,
    function: str,
    portal: str,
    entity_type: str,
    days: Choice,
    arguments: Mapping[str, object],
) -> pd.DataFrame:
    """The rows of a function, all of which take a portal, an entity type and two days beside their own arguments."""
    common = {
        "portal": portal,
        "entity_type": entity_type,
        "first_day": days.first,
        "last_day": days.last,
    }
    return frame(*called(connection, function, common | dict(arguments)))


def _number_of(
    connection: Connection, portal: str, entity_type: str, pipeline: int | str | None
) -> int | None:
    """The number of the pipeline that was given by number or name. UsageError says which there are."""
    if pipeline is None:
        return None
    mart = mart_of(connection, "dim_pipeline")
    rows = rows_of(connection, mart, choice(portal, entity_type)).mappings()
    known = [(int(row["category_id"]), str(row["category_name"])) for row in rows]
    found = chosen_pipelines(pipeline, known)
    if len(found) > 1:
        numbers = ", ".join(str(number) for number, _ in sorted(found))
        raise UsageError(f"there are several pipelines {pipeline!r}; choose one by its number: {numbers}")
    return next(number for number, _ in found)


def _direction(given: UUID | str | None) -> UUID | None:
    try:
        return UUID(given) if isinstance(given, str) else given
    except ValueError:
        raise UsageError(f"{given!r} is no direction_id; `creative_stats` has them") from None
