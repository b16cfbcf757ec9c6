"""Decodes the answers of a portal: PHP's lists and objects, times, pages.

Shapes: docs/bitrix24-rest.md, sections 1, 3.3 and 4. Error codes: `refusals.py`.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from b24_pipeline.bitrix.http.refusals import refusal
from b24_pipeline.errors import ApiError, UnreadableAnswer

Row: TypeAlias = dict[str, Any]
"""A row of a list as the portal sent it, by field name."""

_OTHER_SHAPE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@contextmanager
def decoding(portal: str, subject: str) -> Iterator[None]:
    """Raises UnreadableAnswer for the errors of a block that decodes an answer of another shape than expected.

    Only decoding may stand in the block: an error of anything else would be reported as the portal's.
    `subject` says what is decoded. The message has the place, not the value, which may be a row's.
    """
    try:
        yield
    except _OTHER_SHAPE as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        raise UnreadableAnswer(
            portal, f"an answer about {subject} is not of the expected shape ({place})"
        ) from None


@dataclass(frozen=True, slots=True)
class Time:
    """The `time` block: Unix seconds by the portal's clock; each part may be missing."""

    start: float | None = None
    finish: float | None = None
    duration: float = 0.0
    at: datetime | None = None
    operating: float | None = None
    operating_reset_at: float | None = None

    @classmethod
    def of(cls, block: Any) -> Time | None:
        if not isinstance(block, Mapping):
            return None
        return cls(
            start=_number(block.get("start")),
            finish=_number(block.get("finish")),
            duration=_number(block.get("duration")) or 0.0,
            at=_moment(block.get("date_start")) or _moment(block.get("date_finish")),
            operating=_number(block.get("operating")),
            operating_reset_at=_unix(block.get("operating_reset_at")),
        )

    def after(self, earlier: Time) -> Time:
        """The time of two blocks of one method in one batch, added up."""
        return replace(
            self,
            finish=max(self.finish or 0.0, earlier.finish or 0.0) or None,
            duration=self.duration + earlier.duration,
            operating=_larger(self.operating, earlier.operating),
            operating_reset_at=_larger(self.operating_reset_at, earlier.operating_reset_at),
        )


def _larger(*figures: float | None) -> float | None:
    given = [figure for figure in figures if figure is not None]
    return max(given, default=None)


@dataclass(slots=True)
class Answer:
    """What one method returned; `total` and `next` only where the method counts (never with start=-1)."""

    result: Any
    total: int | None = None
    next: int | None = None
    time: Time | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Answer:
        return cls(
            body.get("result"), _int(body.get("total")), _int(body.get("next")), Time.of(body.get("time"))
        )


@dataclass(slots=True)
class BatchAnswer:
    """What the commands of a batch returned, by the keys they were given."""

    results: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, ApiError] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    nexts: dict[str, int] = field(default_factory=dict)
    times: dict[str, Time] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """The result of a command. Raises the command's error where it failed."""
        if key in self.errors:
            raise self.errors[key]
        return self.results[key]

    def one(self, key: str) -> Answer:
        """The answer to a command as if it had been called by itself. Raises the command's error where it failed."""
        return Answer(self.get(key), self.totals.get(key), self.nexts.get(key), self.times.get(key))

    def take(self, answer: BatchAnswer) -> None:
        """Adds the commands of another answer; where both have a command, the other's counts."""
        for key in (*answer.results, *answer.errors):
            self.errors.pop(key, None)
        self.results |= answer.results
        self.errors |= answer.errors
        self.totals |= answer.totals
        self.nexts |= answer.nexts
        self.times |= answer.times


def read_batch(portal: str, body: Mapping[str, Any], methods: Mapping[str, str]) -> BatchAnswer:
    """Decodes a batch; `methods` names each command's method by its key, in the order sent.

    Raises UnreadableAnswer when the maps cannot be matched with the commands.
    """
    maps = body.get("result")
    if not isinstance(maps, Mapping):
        raise UnreadableAnswer(portal, "batch: expected the five maps of a batch, got another result")
    keys = list(methods)
    read = {name: by_key(portal, maps.get(f"result{suffix}"), keys) for name, suffix in _MAPS.items()}
    times = {key: Time.of(block) for key, block in read["times"].items()}
    return BatchAnswer(
        results=read["results"],
        errors={
            key: refusal(portal, methods.get(key, "batch"), error, 200)
            for key, error in read["errors"].items()
        },
        totals={key: int(value) for key, value in read["totals"].items() if _int(value) is not None},
        nexts={key: int(value) for key, value in read["nexts"].items() if _int(value) is not None},
        times={key: block for key, block in times.items() if block is not None},
    )


_MAPS = {"results": "", "errors": "_error", "totals": "_total", "nexts": "_next", "times": "_time"}


def by_key(portal: str, value: Any, keys: Sequence[str]) -> dict[str, Any]:
    """One of a batch's maps by command key; PHP sends a list where the keys are 0..n-1 or there are none."""
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    if empty(value):
        return {}
    if not isinstance(value, list):
        raise UnreadableAnswer(portal, "batch: expected a map of commands, got something else")
    numbered = [str(position) for position in range(len(value))]
    if set(numbered) <= set(keys):
        return dict(zip(numbered, value, strict=True))
    if len(value) != len(keys):
        raise UnreadableAnswer(
            portal, f"batch: {len(value)} results cannot be matched with {len(keys)} commands"
        )
    return dict(zip(keys, value, strict=True))


def empty(value: Any) -> bool:
    """Whether PHP means "nothing": null, "", "0", 0, false, [] and {} (trap 10)."""
    return value is None or value is False or value in ("", "0", 0, [], {})


def rows_of(result: Any, wrapper: str | None = None) -> list[dict[str, Any]]:
    """The rows of a list answer, out of their wrapper (`items`, `categories`); [] for nothing.

    Raises ValueError when there is something, but no list of rows.
    """
    if wrapper is not None and isinstance(result, Mapping):
        result = result.get(wrapper)
    if empty(result):
        return []
    rows = list(result.values()) if isinstance(result, Mapping) and _all_rows(result.values()) else result
    if not isinstance(rows, list) or not _all_rows(rows):
        raise ValueError("expected a list of rows")
    return rows


def _all_rows(values: Iterable[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _int(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _unix(value: Any) -> float | None:
    """`operating_reset_at` is a Unix second, in one sample of the documentation an ISO text."""
    number = _number(value)
    if number is not None:
        return number
    moment = _moment(value)
    return moment.timestamp() if moment else None
