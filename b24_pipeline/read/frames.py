"""Rows as a pandas DataFrame, whose dtypes follow the columns' types in PostgreSQL and not the values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from b24_pipeline.read.marts import Mart, MartColumn
from b24_pipeline.store.database.exact_json import exact_json

if TYPE_CHECKING:
    import pandas as pd

_DTYPES = {
    "smallint": "Int64",
    "integer": "Int64",
    "bigint": "Int64",
    "text": "string",
    "character varying": "string",
    "uuid": "string",
    "boolean": "boolean",
    "real": "Float64",
    "double precision": "Float64",
    "interval": "timedelta64[ns]",
}
_FRACTION = re.compile(r"(^|_)(seconds|days)$|_days_to_win$|^(conversion|win_rate)|^(percentage|share|rate)$")
"""What a numeric column of a mart is called that is no amount: a share, or a length of time."""

_TIMES = {
    "timestamp with time zone": "datetime64[{}, UTC]",
    "timestamp without time zone": "datetime64[{}]",
    "date": "datetime64[{}]",
}


def frame(mart: Mart, rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """The rows of a mart as a DataFrame, in the order in which they came."""
    import pandas as pd

    series = {
        column.name: _series(mart, column, [row[place] for row in rows])
        for place, column in enumerate(mart.columns)
    }
    return pd.DataFrame(series)


def _series(mart: Mart, column: MartColumn, values: list[Any]) -> pd.Series[Any]:
    import pandas as pd

    if column.is_json:
        values = [None if value is None else exact_json(value) for value in values]
    if column.type in _TIMES:
        return _times(values, _TIMES[column.type])
    if column.type == "uuid":
        values = [None if value is None else str(value) for value in values]
    if column.name == "portal" or column.name in mart.categories:
        return pd.Series(pd.Categorical(values, categories=_categories(mart, column, values)))
    return pd.Series(values, dtype=_dtype(mart, column))


def _dtype(mart: Mart, column: MartColumn) -> str:
    """A numeric column stays Decimal, so that an amount keeps its last digit, unless it is a fraction of a mart."""
    kind = column.type.partition("(")[0]
    if kind == "numeric" and mart.is_ours and _FRACTION.search(column.name):
        return "Float64"
    return _DTYPES.get(kind, "object")


def _categories(mart: Mart, column: MartColumn, values: list[Any]) -> list[str]:
    """The values that the catalogue lists, in its order, then the other values that occur."""
    named = mart.categories.get(column.name, ())
    return [*named, *sorted({value for value in values if value is not None} - set(named))]


def _times(values: list[Any], dtype: str) -> pd.Series[Any]:
    """Times in nanoseconds, as pandas usually has them; in microseconds where a year does not fit."""
    import pandas as pd
    from pandas.errors import OutOfBoundsDatetime

    # in a session whose time zone is not UTC the offsets are mixed
    moments = [
        value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value for value in values
    ]
    exact: Any = pd.Series(moments, dtype=dtype.format("us"))
    try:
        nanoseconds: pd.Series[Any] = exact.astype(dtype.format("ns"))
    except OutOfBoundsDatetime:
        return cast("pd.Series[Any]", exact)
    return nanoseconds
