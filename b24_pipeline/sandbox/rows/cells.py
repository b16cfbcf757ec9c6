"""What columns and pages share: how nothing is said, and JSON in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import orjson

Family = Literal["classic", "item"]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

NOTHING = -(2**62)
"""How a number column says that it has no value."""


class _Absent:
    """The key is missing from the row, which is how Bitrix24 says "no phones" (docs/bitrix24-rest.md, section 5)."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


def encode_each(key: str, values: Sequence[Any]) -> list[bytes]:
    """`,"KEY":value` of each value; nothing for ABSENT."""
    prefix = encode_key(key)
    return [b"" if value is ABSENT else prefix + orjson.dumps(value) for value in values]


def encode_plain(key: str, values: list[Any]) -> list[bytes]:
    """Like `encode_each`, all at once, for values whose JSON has no comma."""
    if not values:
        return []
    prefix = encode_key(key)
    return [prefix + value for value in orjson.dumps(values)[1:-1].split(b",")]


def encode_key(key: str) -> bytes:
    """`,"KEY":`."""
    return b"," + orjson.dumps(key) + b":"
