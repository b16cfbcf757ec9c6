"""Rows of a DataFrame for tests: what a cell holds is known to the test, not to pandas' types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd


def tuples(frame: pd.DataFrame) -> Iterator[Any]:
    """Each row as a named tuple."""
    return iter(frame.itertuples())


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row by the names of its columns."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def groups(frame: pd.DataFrame, names: list[str]) -> dict[Any, pd.DataFrame]:
    """The rows that have the same values in these columns, by these values."""
    return dict(iter(frame.groupby(names)))
