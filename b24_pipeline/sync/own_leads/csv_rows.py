"""Turns a row of a CSV file into an own lead: checks its values, reads its time, and builds its import key."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta, tzinfo

from b24_pipeline.store.own_leads.imports import ImportRow
from b24_pipeline.sync.own_leads.csv_file import COLUMNS, BadRow, CsvRow

LONGEST_NAME = 255
LONGEST_TEXT = 2_000
_SHORT = ("id", "creative", "direction")
_SOMEBODY = ("id", "name", "phone", "email")
_RUSSIAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d.*")
_FIRST_YEAR = 1990
_CLOCKS_DIFFER = timedelta(days=1)

_LONGEST = {name: LONGEST_NAME if name in _SHORT else LONGEST_TEXT for name in COLUMNS}


def lead_of(cells: CsvRow, zone: tzinfo) -> ImportRow | BadRow:
    """The row to store, or why it cannot be stored; times without a zone are in `zone`, the portal's."""
    values = cells.values
    reason = _mistake(values)
    if reason:
        return BadRow(cells.line, reason)
    created = None
    if values.get("created_at"):
        created = moment_of(values["created_at"], zone)
        if created is None:
            return BadRow(cells.line, "created_at is no date; expected YYYY-MM-DD HH:MM or DD.MM.YYYY HH:MM")
        if created > datetime.now(UTC) + _CLOCKS_DIFFER:
            return BadRow(cells.line, "created_at is in the future")
    own = [values.get(name, "") for name in COLUMNS[1:-1]]
    key = f"id:{values['id']}" if values.get("id") else f"row:{_digest(own, created)}"
    texts = [text or None for text in own]
    return (str(cells.line), key, *texts, created.isoformat() if created else None)


def _mistake(values: dict[str, str]) -> str | None:
    if not any(values.get(name) for name in _SOMEBODY):
        return f"names nobody: {', '.join(_SOMEBODY)} are empty"
    for name, text in values.items():
        if len(text) > _LONGEST[name]:
            return f"{name} is longer than {_LONGEST[name]} letters"
    return None


def moment_of(text: str, zone: tzinfo) -> datetime | None:
    """Reads an ISO or a Russian date, with or without a time, as UTC; None where the text is neither.

    A text without a zone is in `zone`; years before 1990 count as a mistake.
    """
    try:
        moment = _read(text)
        if moment is None or moment.year < _FIRST_YEAR:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read(text: str) -> datetime | None:
    if _ISO.fullmatch(text):
        return datetime.fromisoformat(text)
    found = _RUSSIAN.fullmatch(text)
    if not found:
        return None
    day, month, year, hour, minute, second = (int(part or 0) for part in found.groups())
    return datetime(year, month, day, hour, minute, second)


def _digest(own: list[str], created: datetime | None) -> str:
    """A digest of the row's values. A missing date is left out, because the first import sets one."""
    texts = [*own, created.isoformat()] if created else own
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:40]
