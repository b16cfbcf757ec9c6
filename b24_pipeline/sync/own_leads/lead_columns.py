"""Which columns of a file are which of ours: by the names in `columns.toml`, or as the user says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from b24_pipeline.errors import LeadFileRefused, UsageError

COLUMNS = (
    *("id", "name", "phone", "email", "creative", "direction"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "created_at"),
)
"""What is imported."""

NEEDED = "phone"

PARTS = ("first_name", "last_name", "time_of_day")
"""Parts of a name and of a time, where a file has columns for them."""

_NAMES = Path(__file__).with_name("columns.toml")
_BETWEEN_WORDS = re.compile(r"[\s_\-.:/]+")


@dataclass(frozen=True, slots=True)
class LeadColumns:
    """The columns of a file: their names as the file has them, and the place of each of ours and of their parts.

    `own_places`: of those that the file calls as we do.
    """

    header: tuple[str, ...]
    places: Mapping[str, int]
    own_places: Mapping[str, int]

    @property
    def imported(self) -> list[str]:
        """The names of our columns that the file has values for."""
        found = set(self.places)
        if found & {"first_name", "last_name"}:
            found.add("name")
        return [name for name in COLUMNS if name in found]

    @property
    def unknown(self) -> list[str]:
        """The names of the file's columns that are left out."""
        taken = set(self.places.values())
        return [name for place, name in enumerate(self.header) if name and place not in taken]

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Pairs of a column of the file and what it is of ours, in the order of the file."""
        by_place = sorted(self.places.items(), key=lambda pair: pair[1])
        return [(self.header[place], name) for name, place in by_place]

    def values(self, cells: Sequence[str]) -> dict[str, str]:
        """The cells of a row by our names, without what exports write before a value."""
        found = {name: _unwrapped(cells[place].strip()) for name, place in self.places.items()}
        for name, prefix in _prefixes():
            if found.get(name, "").startswith(prefix):
                found[name] = found[name].removeprefix(prefix).lstrip()
        return found

    def values_by_our_names(self, cells: Sequence[str]) -> dict[str, str]:
        """The cells of the columns that the file calls as we do."""
        return {name: cells[place].strip() for name, place in self.own_places.items()}


def read_choices(given: Sequence[str]) -> dict[str, str]:
    """Reads choices such as `phone=Тел`: ours, and the file's, empty where ours is left out. Raises UsageError."""
    chosen: dict[str, str] = {}
    for text in given:
        ours, equals, theirs = text.partition("=")
        name = ours.strip().lower()
        if not equals or name not in (*COLUMNS, *PARTS):
            raise UsageError(
                f"--column {text}: expected OURS=NAME, such as phone=Тел; ours are {', '.join((*COLUMNS, *PARTS))}"
            )
        if name == NEEDED and not theirs.strip():
            raise UsageError(f"--column {text}: {NEEDED} cannot be left out")
        chosen[name] = theirs.strip()
    return chosen


def recognized(header: Sequence[str], chosen: Mapping[str, str]) -> LeadColumns:
    """Finds our columns in a header: the `chosen` by the names that the user gave, the others by the table."""
    names = tuple(" ".join(name.replace("\ufeff", "").split()) for name in header)
    plain = [_plain(name) for name in names]
    by_choice = {ours: _plain(theirs) for ours, theirs in chosen.items()}
    places = {ours: plain.index(theirs) for ours, theirs in by_choice.items() if theirs and theirs in plain}
    for ours, known in _names().items():
        if ours not in by_choice:
            free = (plain.index(name) for name in known if name in plain)
            place = next((place for place in free if place not in places.values()), None)
            if place is not None:
                places[ours] = place
    if "time_of_day" in places and "created_at" not in places and "created_at" not in chosen:
        places["created_at"] = places.pop("time_of_day")
    called = {names[place].lower(): place for place in places.values()}
    return LeadColumns(names, places, {name: called[name] for name in COLUMNS if name in called})


def require_plain(file: str, columns: LeadColumns, chosen: Mapping[str, str]) -> None:
    """Raises LeadFileRefused where a chosen column is missing, or the name of a column of ours stands twice."""
    plain = [_plain(name) for name in columns.header]
    for ours, theirs in chosen.items():
        if theirs and ours not in columns.places:
            raise LeadFileRefused(
                file, f"its header has no column {theirs}, which --column names for {ours}"
            ).of_case("column_missing", column=theirs)
    for ours, place in columns.places.items():
        if plain.count(plain[place]) > 1:
            raise LeadFileRefused(
                file, f"its header has the column {columns.header[place]} twice, which is taken for {ours}"
            ).of_case("column_twice", column=columns.header[place])


def _unwrapped(text: str) -> str:
    """The value of a cell such as `="123"`, by which programs keep a spreadsheet from reading it as a number."""
    return text[2:-1] if text.startswith('="') and text.endswith('"') and len(text) > 3 else text


def _plain(name: str) -> str:
    """A name for comparing: no case, no quotes or stars, words parted by one space, ё as е."""
    words = _BETWEEN_WORDS.sub(" ", name.casefold().replace("ё", "е"))
    return words.strip(" \"'«»*?№#\ufeff")


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return tomllib.loads(_NAMES.read_text("utf-8"))


@lru_cache(maxsize=1)
def _prefixes() -> list[tuple[str, str]]:
    """Pairs of a column of ours, and what may stand before its values."""
    return [(name, prefix) for name, prefixes in _table()["prefixes"].items() for prefix in prefixes]


@lru_cache(maxsize=1)
def _names() -> dict[str, list[str]]:
    """The names of each column of ours, for comparing."""
    return {ours: [_plain(name) for name in _table()[ours]] for ours in (*COLUMNS, *PARTS)}
