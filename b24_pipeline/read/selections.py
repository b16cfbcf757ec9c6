"""Figures of some of a portal's leads or deals, by functions of the marts' schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import UUID

from b24_pipeline.errors import UsageError
from b24_pipeline.read.connection import reading
from b24_pipeline.read.frames import frame
from b24_pipeline.read.rows import Day, called, choice, moment_of, require_portal

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.engine import Engine


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
    with reading(url, engine) as connection:
        require_portal(connection, portal)
        arguments = {
            "portal": portal,
            "entity_type": entity_type,
            "first_day": days.first,
            "last_day": days.last,
            "source_id": source_id,
            "assigned_by_id": assigned_by_id,
            "utm_campaign": utm_campaign,
            "is_qualified": is_qualified,
            "ts": None if moment is None else moment_of(connection, portal, moment),
            "pipeline": pipeline,
        }
        return frame(*called(connection, "funnel_of", arguments))


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
        arguments = {
            "portal": portal,
            "entity_type": entity_type,
            "first_day": days.first,
            "last_day": days.last,
            "pipeline": pipeline,
        }
        return frame(*called(connection, "people_of", arguments))


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
        arguments = {
            "portal": portal,
            "entity_type": entity_type,
            "first_day": days.first,
            "last_day": days.last,
            "direction": _direction(direction),
            "by": by,
        }
        return frame(*called(connection, "creatives_of", arguments))


def _direction(given: UUID | str | None) -> UUID | None:
    try:
        return UUID(given) if isinstance(given, str) else given
    except ValueError:
        raise UsageError(f"{given!r} is no direction_id; `creative_stats` has them") from None
