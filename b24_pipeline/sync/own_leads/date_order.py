"""Tells by all dates of a file whether the day or the month comes first in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from b24_pipeline.sync.own_leads.lead_file import BadRow, LeadFile
from b24_pipeline.sync.own_leads.moments import DateOrder, moment_of, needs_order


@dataclass(frozen=True, slots=True)
class DatesOfFile:
    """Whether a file has dates such as 03/04/2026, and the only order in which all of them can be read.

    `order` is None where both orders read all of them, and where neither does.
    """

    need_order: bool
    order: DateOrder | None = None


def dates_of(file: LeadFile) -> DatesOfFile:
    """Reads the dates of all rows. A file has one order: a day above 12 in one row tells it for all."""
    possible = set(DateOrder)
    need_order = False
    for row in file.rows():
        text = None if isinstance(row, BadRow) else row.values.get("created_at")
        if text and needs_order(text):
            need_order = True
            possible = {order for order in possible if moment_of(text, UTC, order)}
    return DatesOfFile(need_order, possible.pop() if need_order and len(possible) == 1 else None)
