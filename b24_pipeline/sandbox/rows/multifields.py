"""Phones, e-mails, sites and messengers: several values a row, made of two numbers and a style."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from b24_pipeline.sandbox.rows.cells import ABSENT, NOTHING, Family, Mask, Rows, encode_each

Multivalue = list[dict[str, Any]]
_STYLES = 7


@dataclass(frozen=True)
class MultifieldKind:
    """A sort of multifield: its name, its value types and how value number `n` looks in style `s`."""

    name: str
    value_types: tuple[str, ...]
    shape: Callable[[int, int], str]


class Multifield:
    """A column of `[{"ID", "VALUE_TYPE", "VALUE", "TYPE_ID"}]`; the key is absent if there is none.

    Generated values stay numbers until they are rendered; edited rows keep their list.
    """

    def __init__(
        self, kind: MultifieldKind, first: npt.NDArray[Any], second: npt.NDArray[Any], base_id: int
    ) -> None:
        self.kind = kind
        self.first = np.asarray(first, dtype=np.int64)
        self.second = np.asarray(second, dtype=np.int64)
        self._base_id = base_id
        self._edited: dict[int, Multivalue] = {}
        self._next_id = base_id + 2 * len(self.first) + 2
        self._sorted: list[
            tuple[npt.NDArray[Any], npt.NDArray[Any]]
        ] = []  # a search by number has to be quick

    def rendered(self, rows: Rows, family: Family) -> list[Any]:
        """A list a row, or ABSENT."""
        return [self.values(row) or ABSENT for row in rows.tolist()]

    def encoded(self, key: str, rows: Rows, family: Family) -> list[bytes]:
        """The values of these rows as JSON, row by row."""
        return encode_each(key, self.rendered(rows, family))

    def typed(self, rows: Rows) -> list[Any]:
        """A list a row as rendered, or None."""
        return [self.values(row) or None for row in rows.tolist()]

    def values(self, row: int) -> Multivalue:
        """The multifield values of a row."""
        if row in self._edited:
            return self._edited[row]
        numbers = (int(self.first[row]), int(self.second[row]))
        return [self._value(row, place, n) for place, n in enumerate(numbers) if n != NOTHING]

    def _value(self, row: int, place: int, number: int) -> dict[str, Any]:
        types = self.kind.value_types
        return {
            "ID": str(self._base_id + 2 * row + place),
            "VALUE_TYPE": types[(number + place) % len(types)],
            "VALUE": self.kind.shape(number, (number + row) % _STYLES),
            "TYPE_ID": self.kind.name,
        }

    def write(self, row: int, value: Any) -> None:
        """Merge as Bitrix24 does: a known ID is changed (or deleted if empty), the rest are added."""
        current = {entry["ID"]: entry for entry in self.values(row)}
        for incoming in _entries(value):
            self._merge(current, incoming)
        self._edited[row] = list(current.values())

    def _merge(self, current: dict[str, dict[str, Any]], incoming: dict[str, Any]) -> None:
        key = str(incoming.get("ID") or "")
        text = str(incoming.get("VALUE") or "")
        if key in current and (not text or incoming.get("DELETE") == "Y"):
            del current[key]
        elif text:
            key = key if key in current else self._new_id()
            kind = str(incoming.get("VALUE_TYPE") or self.kind.value_types[0])
            current[key] = {"ID": key, "VALUE_TYPE": kind, "VALUE": text, "TYPE_ID": self.kind.name}

    def _new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id)

    def clear(self, row: int) -> None:
        """Make a row empty."""
        self.first[row] = self.second[row] = NOTHING
        self._sorted = []

    def resize(self, capacity: int) -> None:
        """Make room for this many rows."""
        for name in ("first", "second"):
            larger = np.full(capacity, NOTHING, dtype=np.int64)
            larger[: len(getattr(self, name))] = getattr(self, name)
            setattr(self, name, larger)
        self._sorted = []

    def mask(self, size: int, operation: str, wanted: Any) -> Mask:
        """Multifields match exactly (docs/bitrix24-rest.md, section 5, Filter)."""
        texts = {str(value) for value in (wanted if isinstance(wanted, list) else [wanted])}
        found = (any(entry["VALUE"] in texts for entry in self.values(row)) for row in range(size))
        mask = np.fromiter(found, dtype=np.bool_, count=size)
        return ~mask if operation.startswith("not_") else mask

    def owners(self, number: int, matches: Callable[[str], bool]) -> list[int]:
        """Rows that hold this generated number, or an edited text that matches."""
        generated = self._generated(number)
        edited = [row for row, held in self._edited.items() if any(matches(entry["VALUE"]) for entry in held)]
        return sorted({row for row in generated if row not in self._edited} | set(edited))

    def _generated(self, number: int) -> list[int]:
        if not self._sorted:
            orders = [np.argsort(column, kind="stable") for column in (self.first, self.second)]
            self._sorted = [
                (order, column[order])
                for order, column in zip(orders, (self.first, self.second), strict=True)
            ]
        found: list[int] = []
        for order, numbers in self._sorted:
            start, end = np.searchsorted(numbers, [number, number + 1])
            found += order[start:end].tolist()
        return found

    def owners_by_tail(self, tail: int, matches: Callable[[str], bool]) -> list[int]:
        """Finds rows by e-mail; e-mails show only the last seven digits of their number."""
        ends = (self.first % 10_000_000 == tail) | (self.second % 10_000_000 == tail)
        edited = [row for row, held in self._edited.items() if any(matches(entry["VALUE"]) for entry in held)]
        return sorted({*np.flatnonzero(ends).tolist(), *edited})

    def order_keys(self, rows: Rows) -> npt.NDArray[Any]:
        """Multifields do not sort."""
        return np.zeros(len(rows), dtype=np.int64)


def _sorted(column: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    order = np.argsort(column, kind="stable")
    return order, column[order]


def _entries(value: Any) -> Iterable[dict[str, Any]]:
    listed = value.values() if isinstance(value, dict) else value or []
    return [entry for entry in listed if isinstance(entry, dict)]


def phone_text(number: int, style: int) -> str:
    """Ten national digits as people type them; every form is one phone in E.164."""
    text = f"{number:010d}"
    area, rest = text[:3], f"{text[3:6]}-{text[6:8]}-{text[8:]}"
    return (
        f"+7{text}",
        f"8 ({area}) {rest}",
        f"8{text}",
        f"+7 ({area}) {rest}",
        f"+7 {area} {rest}",
        f"8-{area}-{rest}",
        f"8 ({area}) {rest} доб. 12",
    )[style]


def phone_number(text: str) -> int:
    """The ten national digits of a phone, its extension ignored (docs/bitrix24-rest.md, section 6.6)."""
    digits = "".join(symbol for symbol in text.partition("доб")[0] if symbol.isdecimal())
    return int(digits[-10:] or 0)


def email_text(number: int, style: int) -> str:
    """An address made of the same number; capitals happen."""
    host = ("mail.example", "yandex.example", "Example.ORG", "почта.example")[style % 4]
    name = ("ivan", "Info", "olga.k", "sales", "zakaz")[number % 5]
    return f"{name}{number % 10_000_000}@{host}"


def site_text(number: int, style: int) -> str:
    """A company's site."""
    return f"https://firma{number % 100_000}.example/?ref={style}"


def messenger_text(number: int, style: int) -> str:
    """A messenger handle."""
    return f"telegram|user{number % 1_000_000}" if style % 2 else f"@user{number % 1_000_000}"


KINDS = {
    "PHONE": MultifieldKind("PHONE", ("WORK", "MOBILE", "HOME"), phone_text),
    "EMAIL": MultifieldKind("EMAIL", ("WORK", "HOME"), email_text),
    "WEB": MultifieldKind("WEB", ("WORK",), site_text),
    "IM": MultifieldKind("IM", ("TELEGRAM",), messenger_text),
}
