"""The named statements of a `.sql` file that stands beside its module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosql


def load(module: str, noun: str | None = None) -> Any:
    """The statements beside a module as functions of a connection and named parameters.

    `-- name: add(account, name)!` in the file is `_sql.add(connection, account=..., name=...)` in the module. The sign
    behind the name says what it returns: `!` the number of rows, `$` one value, `^` one row, `#` nothing (a script),
    none all rows. Statements that name a table or role are made by `statements.py` instead.

    `module` is the module's `__file__`; `noun` names another file of the same folder, without its ending.
    """
    path = Path(module)
    return aiosql.from_path(path.with_name(f"{noun or path.stem}.sql"), "psycopg")
