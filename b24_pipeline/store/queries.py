"""The named statements of `store/sql/`, one file a noun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosql

_FOLDER = Path(__file__).parent / "sql"


def load(noun: str) -> Any:
    """The statements of `sql/<noun>.sql` as functions of a connection and named parameters."""
    return aiosql.from_path(_FOLDER / f"{noun}.sql", "psycopg")
