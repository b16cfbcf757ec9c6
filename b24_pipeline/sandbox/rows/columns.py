"""Columns: numbers that render themselves, and values kept once and coded by number."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from b24_pipeline.sandbox.rows.cells import (
    ABSENT,
    NOTHING,
    Family,
    Integers,
    Mask,
    Rows,
    encode_each,
    encode_plain,
)
from b24_pipeline.sandbox.rows.comparison import NEGATIONS, as_text, cell_test, sort_key

_SAMPLE = 4000


class CellColumn(Protocol):
    """One field of all rows of a table."""

    def rendered(self, rows: Rows, family: Family) -> list[Any]:
        """JSON values of these rows; ABSENT where the key is missing."""

    def encoded(self, key: str, rows: Rows, family: Family) -> list[bytes]:
        """`,"KEY":value` of these rows, nothing where the key is missing."""

    def typed(self, rows: Rows) -> list[Any]:
        """Python values of these rows, for the truth."""

    def write(self, row: int, value: Any) -> None:
        """Store a value as it came over the wire."""

    def clear(self, row: int) -> None:
        """Make a row empty."""

    def resize(self, capacity: int) -> None:
        """Make room for this many rows."""

    def mask(self, size: int, operation: str, wanted: Any) -> Mask:
        """Which of the first `size` rows fulfil a condition."""

    def order_keys(self, rows: Rows) -> npt.NDArray[Any]:
        """Sortable keys of these rows."""


class Codec(Protocol):
    """How a number column speaks: on the wire, in filters, in the truth."""

    empty: dict[Family, Any]

    def render(self, family: Family) -> Callable[[int], Any]:
        """The function that makes a JSON value of a stored number."""

    def encode_all(self, key: str, values: Integers, family: Family) -> list[bytes]:
        """`,"KEY":value` of many stored numbers."""

    def parse(self, value: Any) -> int | None:
        """The stored number of a wire value; None if it is none."""

    def typed(self, stored: int) -> Any:
        """The Python value of a stored number."""


class Numbers:
    """A column of 64-bit integers: ids, cents, seconds or days, as its codec says."""

    def __init__(self, data: npt.NDArray[Any], codec: Codec) -> None:
        self.data: Integers = np.asarray(data, dtype=np.int64)
        self.codec = codec
        self._pieces: dict[tuple[str, Family], dict[int, bytes]] = {}

    def rendered(self, rows: Rows, family: Family) -> list[Any]:
        """JSON values of these rows."""
        render, empty = self.codec.render(family), self.codec.empty[family]
        return [empty if stored == NOTHING else render(stored) for stored in self.data[rows].tolist()]

    def encoded(self, key: str, rows: Rows, family: Family) -> list[bytes]:
        """Repeated numbers (users, days, pipelines) are encoded once."""
        if not self._repetitive:
            return self._encoded_all(key, self.data[rows], family)
        values = self.data[rows].tolist()
        pieces = self._pieces.setdefault((key, family), {})
        new = [value for value in set(values) if value not in pieces]
        render, empty = self.codec.render(family), self.codec.empty[family]
        texts = [empty if stored == NOTHING else render(stored) for stored in new]
        pieces.update(zip(new, encode_plain(key, texts), strict=True))
        return list(map(pieces.__getitem__, values))

    def _encoded_all(self, key: str, values: Integers, family: Family) -> list[bytes]:
        nothing = values == NOTHING
        if not nothing.any():
            return self.codec.encode_all(key, values, family)
        pieces = self.codec.encode_all(key, np.where(nothing, 0, values), family)
        (empty,) = encode_each(key, [self.codec.empty[family]])
        return [empty if missing else piece for missing, piece in zip(nothing.tolist(), pieces, strict=True)]

    @cached_property
    def _repetitive(self) -> bool:
        sample = self.data[:_SAMPLE]
        return len(np.unique(sample)) * 2 < len(sample)

    def typed(self, rows: Rows) -> list[Any]:
        """Python values, None where there is none."""
        convert = self.codec.typed
        return [None if stored == NOTHING else convert(stored) for stored in self.data[rows].tolist()]

    def write(self, row: int, value: Any) -> None:
        """Store a wire value; what cannot be parsed becomes empty."""
        stored = self.codec.parse(value)
        self.data[row] = NOTHING if stored is None else stored

    def clear(self, row: int) -> None:
        """Make a row empty."""
        self.data[row] = NOTHING

    def resize(self, capacity: int) -> None:
        """Make room for this many rows."""
        self.data = _enlarged(self.data, capacity, NOTHING)

    def mask(self, size: int, operation: str, wanted: Any) -> Mask:
        """Vectorised comparison; NULL is never more or less than anything."""
        data = self.data[:size]
        if operation in NEGATIONS:
            return ~self.mask(size, NEGATIONS[operation], wanted)
        if operation in {"like", "contains"}:
            return self._text_mask(size, operation, wanted)
        if operation == "in":
            return np.isin(data, [self._bound(value) for value in wanted])
        return _compare(data, operation, self._bound(wanted))

    def _bound(self, wanted: Any) -> int:
        stored = self.codec.parse(wanted)
        return NOTHING if stored is None else stored

    def _text_mask(self, size: int, operation: str, wanted: Any) -> Mask:
        test = cell_test(operation, wanted)
        cells = self.rendered(np.arange(size), "classic")
        return np.fromiter((test(cell) for cell in cells), dtype=np.bool_, count=size)

    def order_keys(self, rows: Rows) -> npt.NDArray[Any]:
        """The numbers themselves; empties come first, as in MySQL."""
        return self.data[rows]


class Coded:
    """A column whose distinct values are kept once; a row holds the number of its value.

    Values are JSON as a classic method renders it; `to_item` turns one into what
    `crm.item.*` renders; `clean` brings a written value into the field's form.
    """

    def __init__(
        self,
        codes: npt.NDArray[Any],
        table: list[Any],
        to_item: Callable[[Any], Any] | None = None,
        clean: Callable[[Any], Any] | None = None,
        empty: Any = None,
    ) -> None:
        self.codes = np.asarray(codes, dtype=np.int32)
        self.table = table
        self._to_item = to_item or (lambda value: value)
        self._clean = clean or (lambda value: value)
        self._empty = empty
        self._items: list[Any] = []
        self._index: dict[bytes, int] = {}
        self._pieces: dict[tuple[str, Family], list[bytes]] = {}

    def rendered(self, rows: Rows, family: Family) -> list[Any]:
        """JSON values of these rows."""
        table = self.table if family == "classic" else self._item_table()
        return [table[code] for code in self.codes[rows].tolist()]

    def encoded(self, key: str, rows: Rows, family: Family) -> list[bytes]:
        """Each distinct value is encoded once."""
        pieces = self._pieces.setdefault((key, family), [])
        if len(pieces) < len(self.table):
            table = self.table if family == "classic" else self._item_table()
            pieces.extend(encode_each(key, table[len(pieces) :]))
        if len(pieces) == 1:
            return pieces * len(rows)
        return list(map(pieces.__getitem__, self.codes[rows].tolist()))

    def _item_table(self) -> list[Any]:
        self._items.extend(self._to_item(value) for value in self.table[len(self._items) :])
        return self._items

    def typed(self, rows: Rows) -> list[Any]:
        """Values as rendered, None where the key is absent."""
        return [None if value is ABSENT else value for value in self.rendered(rows, "classic")]

    def write(self, row: int, value: Any) -> None:
        """Store a wire value, once."""
        self.codes[row] = self.code(self._clean(value))

    def clear(self, row: int) -> None:
        """Make a row empty."""
        self.codes[row] = self.code(self._empty)

    def code(self, value: Any) -> int:
        """The number of a value, which is remembered if it is new."""
        self._index_table()
        key = _identity(value)
        if key not in self._index:
            self._index[key] = len(self.table)
            self.table.append(value)
        return self._index[key]

    def _index_table(self) -> None:
        if not self._index:
            self._index = {_identity(value): code for code, value in reversed(list(enumerate(self.table)))}

    def resize(self, capacity: int) -> None:
        """Make room for this many rows."""
        self.codes = _enlarged(self.codes, capacity, 0)

    def mask(self, size: int, operation: str, wanted: Any) -> Mask:
        """Each distinct value is tested once."""
        test = cell_test(operation, wanted)
        cells = (None if value is ABSENT else value for value in self.table)
        verdicts = np.fromiter((test(cell) for cell in cells), dtype=np.bool_, count=len(self.table))
        mask: Mask = verdicts[self.codes[:size]]
        return mask

    def order_keys(self, rows: Rows) -> npt.NDArray[Any]:
        """The rank of each value among the distinct ones."""
        ranked = sorted(range(len(self.table)), key=lambda code: sort_key(_plain(self.table[code])))
        ranks = np.empty(len(ranked), dtype=np.int64)
        ranks[ranked] = np.arange(len(ranked))
        return ranks[self.codes[rows]]


def _plain(value: Any) -> Any:
    return as_text(None if value is ABSENT else value)


def _identity(value: Any) -> bytes:
    return b"absent" if value is ABSENT else orjson.dumps(value)


def _enlarged(data: npt.NDArray[Any], capacity: int, filler: int) -> npt.NDArray[Any]:
    larger = np.full(capacity, filler, dtype=data.dtype)
    larger[: len(data)] = data
    return larger


_COMPARISONS = {"equal": np.equal, "more": np.greater, "at_least": np.greater_equal}
_COMPARISONS |= {"less": np.less, "at_most": np.less_equal}


def _compare(data: Integers, operation: str, bound: int) -> Mask:
    mask: Mask = _COMPARISONS[operation](data, bound)
    if operation == "equal":
        return mask
    mask &= (data != NOTHING) & (bound != NOTHING)
    return mask
