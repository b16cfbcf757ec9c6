"""The range of days of the calls that count own leads, and shares in percent."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def written_as_day(given: object) -> object:
    """Refuses text that is not YYYY-MM-DD: pydantic would read `2026` as seconds since 1970."""
    if isinstance(given, str) and not _DAY.fullmatch(given):
        raise ValueError("expected a day as YYYY-MM-DD")
    return given


_Day = Annotated[date, BeforeValidator(written_as_day)]
FirstDay = Annotated[
    _Day | None,
    Query(
        alias="dateFrom",
        description="The first day on which own leads were created, in the portal's time zone.",
    ),
]
LastDay = Annotated[
    _Day | None, Query(alias="dateTo", description="The last day on which own leads were created, included.")
]


def percent(part: int, whole: int) -> float:
    """`part` in percent of `whole`, 0 where `whole` is 0.

    With two decimals, rounded half up as PostgreSQL does, so that the marts show the same figure.
    """
    if not whole:
        return 0.0
    return float((Decimal(100 * part) / whole).quantize(Decimal("0.01"), ROUND_HALF_UP))
