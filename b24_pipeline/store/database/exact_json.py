"""JSON out of the database with its numbers as they are: amounts never become floats."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

_DIGITS_OF_INT8 = 18


def exact_json(text: str | bytes) -> Any:
    """Reads JSON with fractions, and whole numbers beyond 64 bits, as Decimals; for `set_json_loads` of psycopg."""
    return json.loads(text, parse_float=Decimal, parse_int=_whole)


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _DIGITS_OF_INT8 else Decimal(text)
