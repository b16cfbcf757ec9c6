"""Tables that a reader sorts: `?sort=` is a column, `?way=` its direction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from fastapi import Query

Way = Literal["up", "down"]
Sort = Annotated[str, Query(max_length=60)]
Value = Decimal | int | str | None
SortedRow = TypeVar("SortedRow")


def sorted_by(rows: Iterable[SortedRow], value: Callable[[SortedRow], Value], way: Way) -> list[SortedRow]:
    """The rows by a value, those without one last; equal ones stay in their order."""
    plain = list(rows)
    known = [row for row in plain if value(row) not in (None, "")]
    known.sort(key=value, reverse=way == "down")  # type: ignore[arg-type]
    return known + [row for row in plain if value(row) in (None, "")]
