"""Turns a row of a file into an own lead: checks its values, reads its time, and builds what identifies it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from b24_pipeline.store.own_leads.imports import ImportRow
from b24_pipeline.sync.own_leads.damage import EXACT_DIGITS, damage_of, zeros_after_exact_digits
from b24_pipeline.sync.own_leads.lead_columns import COLUMNS, PARTS
from b24_pipeline.sync.own_leads.lead_file import BadRow, LeadCells
from b24_pipeline.sync.own_leads.moments import DateOrder, has_time, moment_of, why_no_moment

LONGEST_NAME = 255
LONGEST_TEXT = 2_000
_SHORT = ("id", "creative", "direction")
_SOMEBODY = ("id", "name", "phone", "email")
_OWN = COLUMNS[1:-1]
_TEST_LEAD = "<test lead:"  # what Meta writes into the leads of its testing tool
_CLOCKS_DIFFER = timedelta(days=1)

_LONGEST = {name: LONGEST_NAME if name in _SHORT else LONGEST_TEXT for name in (*COLUMNS, *PARTS)}


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows of a file for one portal.

    `zone`: of times without one, the portal's; `read_phones`: the phones of a text in E.164; `order`: of days and
    months in dates that do not tell.
    """

    zone: tzinfo
    read_phones: Callable[[str | None], Sequence[str]]
    order: DateOrder | None = None

    def lead_of(self, cells: LeadCells) -> ImportRow | BadRow:
        """The row to store, or why it cannot be stored."""
        values = _whole(cells.values)
        reason = _damage(cells.values) or _mistake(values)
        if reason:
            return BadRow(cells.line, reason)
        created = self._created(values)
        if isinstance(created, str):
            return BadRow(cells.line, created)
        phones = list(self.read_phones(values.get("phone")))
        person = _person(values, phones)
        identifier = values.get("id", "")
        identity = person if phones or not values.get("phone") else ""
        key, earlier = _key(values, identity, created), self._earlier_key(cells.by_our_names)
        return ImportRow(
            line=cells.line,
            import_key=key,
            earlier_key=None if earlier == key else earlier,
            person=person,
            phones=phones,
            id_digits=max(0, len(identifier) - EXACT_DIGITS) if identifier.isdigit() else 0,
            id_zeros=zeros_after_exact_digits(identifier),
            created_at=created.isoformat() if created else None,
            **{name: values.get(name) or None for name in _OWN},
        )

    def _created(self, values: Mapping[str, str]) -> datetime | str | None:
        """When the lead was left, None where that is not said, or what is wrong with it."""
        text = values.get("created_at")
        if not text:
            return None
        moment = moment_of(text, self.zone, self.order)
        if moment is None:
            return why_no_moment(text)
        return "created_at is in the future" if moment > datetime.now(UTC) + _CLOCKS_DIFFER else moment

    def _earlier_key(self, values: Mapping[str, str]) -> str:
        """The key that earlier versions gave to a row; they knew columns by our own names alone."""
        if values.get("id"):
            return f"id:{values['id']}"
        text = values.get("created_at")
        return _key_of_values(values, moment_of(text, self.zone) if text else None)


def _whole(values: Mapping[str, str]) -> dict[str, str]:
    """The values with the parts of a name, and of a date and its time, put together."""
    whole = {name: text for name, text in values.items() if name in COLUMNS}
    name = values.get("name") or values.get("first_name") or ""
    last = values.get("last_name") or ""
    if set(PARTS) & set(values):
        whole["name"] = name if not last or last in name else f"{name} {last}".strip()
    clock, day = values.get("time_of_day"), values.get("created_at")
    if clock and day and not has_time(day):
        whole["created_at"] = f"{day.split()[0]} {clock}"
    return whole


def _mistake(values: Mapping[str, str]) -> str | None:
    if not any(values.get(name) for name in _SOMEBODY):
        return f"names nobody: {', '.join(_SOMEBODY)} are empty"
    for name, text in values.items():
        if len(text) > _LONGEST[name]:
            return f"{name} is longer than {_LONGEST[name]} letters"
    return None


def _damage(values: Mapping[str, str]) -> str | None:
    """What makes a cell of the row another value than somebody has written, before cells are put together."""
    for name, text in values.items():
        damage = damage_of(name, text)
        if damage:
            return damage
        if text.startswith(_TEST_LEAD):
            return "is a test lead of the ad system"
    return None


def _person(values: Mapping[str, str], phones: Sequence[str]) -> str:
    """Who left the lead, for comparing: the phones, else the phone as it is written, the e-mail or the name."""
    if phones:
        return ",".join(sorted(phones))
    return values.get("phone") or values.get("email", "").lower() or values.get("name", "")


def _key(values: Mapping[str, str], person: str, created: datetime | None) -> str:
    """What makes it the same lead in the next file: its id, else person and time, else all of its values.

    `person` is empty where nobody can tell who it is: a phone that cannot be read may be anybody's.
    """
    if values.get("id"):
        return f"id:{values['id']}"
    if created and person and has_time(values["created_at"]):
        return f"lead:{_digest([person, created.isoformat()])}"
    return _key_of_values(values, created)


def _key_of_values(values: Mapping[str, str], created: datetime | None) -> str:
    """A key of a row's values. A missing date is left out, because the first import sets one."""
    texts = [values.get(name, "") for name in _OWN]
    return f"row:{_digest([*texts, created.isoformat()] if created else texts)}"


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:40]
