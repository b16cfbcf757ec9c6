"""Figures of some of a portal's leads or deals, by functions of the marts' schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from b24_pipeline.errors import UsageError
from b24_pipeline.read.connection import reading
from b24_pipeline.read.frames import frame
from b24_pipeline.read.rows import Choice, Day, called, choice, moment_of, require_portal

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.engine import Connection, Engine


def funnel_of(  # noqa: PLR0913 - each is a filter, given by its name
    portal: str,
    entity_type: str = "deal",
    *,
    pipeline: int | None = None,
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
    `reached_implied` and `reached_strict` beside `reached` are the other two definitions. Raises UnknownPortal and
    WrongDates.
    """
    if entity_type not in ("lead", "deal"):
        raise UsageError(f"{entity_type!r} has no funnel; choose lead or deal")
    days = choice(first=created_from, last=created_to)
    arguments: dict[str, object] = {
        "source_id": source_id,
        "assigned_by_id": assigned_by_id,
        "utm_campaign": utm_campaign,
        "is_qualified": is_qualified,
        "pipeline": pipeline,
    }
    with reading(url, engine) as connection:
        require_portal(connection, portal)
        arguments["ts"] = None if moment is None else moment_of(connection, portal, moment)
        return _selected(connection, "funnel_of", portal, entity_type, days, arguments)


def people_of(
    portal: str,
    entity_type: str = "deal",
    *,
    pipeline: int | None = None,
    closed_from: Day | None = None,
    closed_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """What each responsible person of now has open, and has won and lost from day to day, one row a person.

    Raises UnknownPortal and WrongDates.
    """
    if entity_type not in ("lead", "deal"):
        raise UsageError(f"{entity_type!r} is won by nobody; choose lead or deal")
    days = choice(first=closed_from, last=closed_to)
    with reading(url, engine) as connection:
        require_portal(connection, portal)
        return _selected(connection, "people_of", portal, entity_type, days, {"pipeline": pipeline})


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


def _direction(given: UUID | str | None) -> UUID | None:
    try:
        return UUID(given) if isinstance(given, str) else given
    except ValueError:
        raise UsageError(f"{given!r} is no direction_id; `creative_stats` has them") from None
