"""Files of own leads, and their rows as they would be stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from b24_pipeline.store.own_leads.imports import ImportRow
from b24_pipeline.sync.own_leads.lead_file import BadRow, open_lead_file
from b24_pipeline.sync.own_leads.lead_rows import RowReader
from b24_pipeline.sync.own_leads.moments import DateOrder
from b24_pipeline.sync.own_leads.phones import phones_of

MOSCOW = ZoneInfo("Europe/Moscow")


def written(folder: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    """A file with this text."""
    path = folder / "leads.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def rows(
    path: Path, chosen: Mapping[str, str] | None = None, order: DateOrder | None = None
) -> list[ImportRow | BadRow]:
    """The rows of a file for a portal in Moscow."""
    reader = RowReader(MOSCOW, lambda text: phones_of(text, "RU"), order)
    read = open_lead_file(path, chosen).rows()
    return [one if isinstance(one, BadRow) else reader.lead_of(one) for one in read]


def good(path: Path, chosen: Mapping[str, str] | None = None) -> list[ImportRow]:
    """The rows that would be stored."""
    return [one for one in rows(path, chosen) if isinstance(one, ImportRow)]


def bad(path: Path, order: DateOrder | None = None) -> list[tuple[int, str]]:
    """The lines that would not be stored, and why."""
    return [(one.line, one.reason) for one in rows(path, order=order) if isinstance(one, BadRow)]
