"""Filter conditions: the prefix table of docs/bitrix24-rest.md, section 5, and how one value is tested."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OPERATIONS = {
    "!=%": "not_like",
    "!%=": "not_like",
    "=%": "like",
    "%=": "like",
    "!%": "not_contains",
    "!@": "not_in",
    "!=": "not_equal",
    "!": "not_equal",
    ">=": "at_least",
    "<=": "at_most",
    ">": "more",
    "<": "less",
    "@": "in",
    "=": "equal",
    "%": "contains",
    "": "equal",
}
NEGATIONS = {
    "not_equal": "equal",
    "not_in": "in",
    "not_like": "like",
    "not_contains": "contains",
}
_KEY = re.compile(r"^(!=%|!%=|=%|%=|!%|!@|!=|!|>=|<=|>|<|@|=|%|)(.*)$", re.DOTALL)
EMPTIES: tuple[Any, ...] = (None, "", "0", 0, False, [])


@dataclass(frozen=True)
class FilterCondition:
    """`field` `operation` `value`; several conditions are joined by AND."""

    operation: str
    field: str
    value: Any

    def key(self) -> str:
        """Text equal for equal conditions, for caches."""
        return f"{self.field} {self.operation} {self.value!r}"


def parse_condition(key: str, value: Any) -> FilterCondition:
    """`>=DATE_MODIFY` -> at_least; an array under `=` means IN, under `!=` NOT IN."""
    matched = _KEY.match(key)
    prefix, name = matched.groups() if matched else ("", key)
    operation = OPERATIONS[prefix]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        operation = {"equal": "in", "not_equal": "not_in"}.get(operation, operation)
    elif operation in {"in", "not_in"}:
        value = [value]
    return FilterCondition(operation, name, value)


def cell_test(operation: str, wanted: Any) -> Callable[[Any], bool]:
    """A test for one rendered value; of a multiple value any element may match."""
    if operation in NEGATIONS:
        positive = cell_test(NEGATIONS[operation], wanted)
        return lambda cell: not positive(cell)
    single = _single_test(operation, wanted)

    def test(cell: Any) -> bool:
        return any(map(single, cell)) if isinstance(cell, list) and cell else single(cell)

    return test


def _single_test(operation: str, wanted: Any) -> Callable[[Any], bool]:
    if operation == "in":
        tests = [_single_test("equal", value) for value in wanted]
        return lambda cell: any(test(cell) for test in tests)
    if operation == "equal":
        if wanted in ("", None):
            return lambda cell: cell in EMPTIES
        text = as_text(wanted).casefold()
        return lambda cell: as_text(cell).casefold() == text
    if operation in {"contains", "like"}:
        pattern = _like(as_text(wanted), anywhere=operation == "contains")
        return lambda cell: bool(pattern.search(as_text(cell)))
    return _ordering_test(operation, wanted)


def _ordering_test(operation: str, wanted: Any) -> Callable[[Any], bool]:
    right = sort_key(wanted)
    return {
        "more": lambda cell: sort_key(cell) > right,
        "at_least": lambda cell: sort_key(cell) >= right,
        "less": lambda cell: sort_key(cell) < right,
        "at_most": lambda cell: sort_key(cell) <= right,
    }[operation]


def _like(text: str, *, anywhere: bool) -> re.Pattern[str]:
    body = re.escape(text) if anywhere else ".*".join(map(re.escape, text.split("%")))
    return re.compile(body if anywhere else f"^{body}$", re.IGNORECASE | re.DOTALL)


def as_text(value: Any) -> str:
    """A value as MySQL would compare it: flags as 1 and 0, nothing as the empty text."""
    if value is None or value is False:
        return "0" if value is False else ""
    return "1" if value is True else str(value)


def sort_key(value: Any) -> tuple[int, float, str]:
    """Numbers before texts, numbers by size."""
    text = as_text(value)
    try:
        return (0, float(text), "")
    except ValueError:
        return (1, 0.0, text.casefold())
