"""Filtering and sorting of a few rows that are kept as objects: with nested OR, and strict about names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from b24_pipeline.sandbox.clock import parse_moment
from b24_pipeline.sandbox.rest.php import Params, as_dict
from b24_pipeline.sandbox.rest_error import invalid_argument, invalid_filter
from b24_pipeline.sandbox.rows.comparison import cell_test, parse_condition, sort_key

JsonRow = dict[str, Any]
_Test = Callable[[JsonRow], bool]


def matching_rows(rows: Iterable[JsonRow], given: Params, known: Iterable[str]) -> list[JsonRow]:
    """The rows of a filter whose names are all `known`; `logic: OR` nests. RestError for an unknown name."""
    test = _all_of(given, frozenset(known))
    return [row for row in rows if test(row)]


def ordered_rows(rows: list[JsonRow], given: Params, known: Iterable[str]) -> list[JsonRow]:
    """The rows in an order; RestError for an unknown name."""
    names = frozenset(known)
    for name, way in reversed(given.items()):
        if name not in names:
            raise invalid_argument(f"Invalid order: field '{name}' is not allowed in order")
        rows = sorted(rows, key=lambda row: _key(name, row.get(name)), reverse=str(way).upper() == "DESC")
    return rows


def _all_of(given: Params, known: frozenset[str]) -> _Test:
    tests = [_test(key, value, known) for key, value in given.items() if key != "logic"]
    joined = any if str(given.get("logic", "AND")).upper() == "OR" else all
    return lambda row: joined(test(row) for test in tests)


def _test(key: str, value: Any, known: frozenset[str]) -> _Test:
    if key.isdecimal() and isinstance(value, dict | list):
        return _all_of(as_dict(value), known)
    condition = parse_condition(key, value)
    if condition.field not in known:
        raise invalid_filter(condition.field)
    name = condition.field
    wanted = condition.value
    wanted = (
        [_comparable(name, one) for one in wanted] if isinstance(wanted, list) else _comparable(name, wanted)
    )
    fits = cell_test(condition.operation, wanted)
    return lambda row: fits(_comparable(name, row.get(name)))


def _comparable(name: str, value: Any) -> Any:
    """Moments are compared as such, whatever their zone."""
    return parse_moment(value) if name.endswith("Time") and isinstance(value, str) else value


def _key(name: str, value: Any) -> tuple[int, float, str]:
    return sort_key(_comparable(name, value))
