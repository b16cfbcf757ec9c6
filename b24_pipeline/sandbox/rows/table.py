"""A table: rows in ascending id order, one object a field, deleted rows only marked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from b24_pipeline.sandbox.rows.cells import Family, Integers, Mask, Rows
from b24_pipeline.sandbox.rows.columns import CellColumn, Numbers
from b24_pipeline.sandbox.rows.comparison import FilterCondition
from b24_pipeline.sandbox.rows.page import Page

_CACHED_QUERIES = 8
Extra = tuple[str, Callable[[], Mask]]
"""A condition beyond the filter: its name for the cache and the rows that fulfil it."""


class Table:
    """Columns under one ascending id. `version` grows with every change."""

    def __init__(self, ids: npt.NDArray[Any], columns: Mapping[str, CellColumn]) -> None:
        self.size = len(ids)
        self.columns = dict(columns)
        self.version = 0
        self._ids: Integers = np.asarray(ids, dtype=np.int64)
        self._alive = np.ones(self.size, dtype=np.bool_)
        self._cache: OrderedDict[tuple[int, str], Rows] = OrderedDict()

    @property
    def ids(self) -> Integers:
        """Ids of all rows, deleted ones included."""
        return self._ids[: self.size]

    @property
    def last_id(self) -> int:
        """The highest id ever given; 0 in an empty table."""
        return int(self._ids[self.size - 1]) if self.size else 0

    def row_of(self, identifier: int) -> int | None:
        """The row with this id, None if there is none or it is deleted."""
        row = int(np.searchsorted(self.ids, identifier))
        found = row < self.size and int(self._ids[row]) == identifier and bool(self._alive[row])
        return row if found else None

    def alive_rows(self) -> Rows:
        """Rows that are not deleted, by id."""
        return self.matching([])

    def append(self, identifier: int) -> int:
        """A new row, empty in every column; the id must be the highest."""
        if self.size == len(self._ids):
            self._grow()
        row, self.size = self.size, self.size + 1
        self._ids[row], self._alive[row] = identifier, True
        for column in self.columns.values():
            column.clear(row)
        self.version += 1
        return row

    def _grow(self) -> None:
        capacity = max(64, 2 * self.size)
        self._ids = np.concatenate([self._ids, np.zeros(capacity - self.size, dtype=np.int64)])
        self._alive = np.concatenate([self._alive, np.zeros(capacity - self.size, dtype=np.bool_)])
        for column in self.columns.values():
            column.resize(capacity)

    def add_column(self, name: str, column: CellColumn) -> None:
        """Adds a field, empty in every row."""
        column.resize(len(self._ids))
        self.columns[name] = column
        self.version += 1

    def write(self, row: int, values: Mapping[str, Any]) -> None:
        """Store wire values in a row."""
        for name, value in values.items():
            self.columns[name].write(row, value)
        self.version += 1

    def delete(self, rows: Sequence[int] | Rows) -> None:
        """Mark rows as deleted; lists no longer show them."""
        self._alive[rows] = False
        self.version += 1

    def matching(self, conditions: Sequence[FilterCondition], extra: Extra | None = None) -> Rows:
        """Rows alive that fulfil all conditions, by id.

        Bounds on ID are cut out of the sorted ids, so a page of a keyset read costs the
        same at any size; the rest is computed once for each version of the data.
        """
        bounds = [condition for condition in conditions if condition.field == "ID"]
        remainder = [condition for condition in conditions if condition.field != "ID"]
        rows = self._cached(remainder, extra)
        for bound in bounds:
            rows = self._cut(rows, bound)
        return rows

    def _cached(self, conditions: Sequence[FilterCondition], extra: Extra | None) -> Rows:
        key = (
            self.version,
            " & ".join([*(condition.key() for condition in conditions), extra[0] if extra else ""]),
        )
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        mask = self._alive[: self.size].copy()
        for condition in conditions:
            column = self.columns[condition.field]
            mask &= column.mask(self.size, condition.operation, condition.value)
        return self._remember(key, np.flatnonzero(mask & extra[1]() if extra else mask))

    def _remember(self, key: tuple[int, str], rows: Rows) -> Rows:
        self._cache[key] = rows
        while len(self._cache) > _CACHED_QUERIES:
            self._cache.popitem(last=False)
        return rows

    def _cut(self, rows: Rows, bound: FilterCondition) -> Rows:
        column = self.columns["ID"]
        if not isinstance(column, Numbers):
            raise TypeError("ID is not a number column")
        parse = column.codec.parse
        if bound.operation not in {"more", "at_least", "less", "at_most", "equal", "in"}:
            return rows[column.mask(self.size, bound.operation, bound.value)[rows]]
        if bound.operation in {"equal", "in"}:
            values = bound.value if isinstance(bound.value, list) else [bound.value]
            return self._pick(rows, [parse(value) or 0 for value in values])
        wanted = parse(bound.value)
        if wanted is None:
            return rows[:0]
        side: Literal["left", "right"] = "right" if bound.operation in {"more", "at_most"} else "left"
        cut = int(np.searchsorted(rows, np.searchsorted(self.ids, wanted, side=side)))
        return rows[cut:] if bound.operation in {"more", "at_least"} else rows[:cut]

    def _pick(self, rows: Rows, identifiers: list[int]) -> Rows:
        wanted = np.unique(np.asarray(identifiers, dtype=np.int64))
        places = np.searchsorted(self.ids, wanted)
        inside = places < self.size
        places = places[inside][self.ids[places[inside]] == wanted[inside]]
        slots = np.searchsorted(rows, places)
        inside = slots < len(rows)
        found: Rows = places[inside][rows[slots[inside]] == places[inside]]
        return found

    def ordered(self, rows: Rows, order: Sequence[tuple[str, bool]]) -> Rows:
        """Rows sorted by (field, ascending) pairs; ties by id."""
        if not order or order[0] == ("ID", True):
            return rows
        if order[0] == ("ID", False):
            return rows[::-1]
        keys = [rows]
        for name, ascending in reversed(order):
            values = self.columns[name].order_keys(rows)
            keys.append(values if ascending else -values)
        return rows[np.lexsort(keys)]

    def page(self, rows: Rows, names: Iterable[str], family: Family = "classic") -> Page:
        """These rows with these fields in this order."""
        return Page([(name, self.columns[name]) for name in names], rows, family)
