"""The named statements of a `.sql` file that stands beside its module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosql


def load(module: str, noun: str | None = None) -> Any:
    """The statements beside a module as functions of a connection and named parameters.

    `module` is the module's `__file__`; `noun` names another file of the same folder, without its ending.
    """
    path = Path(module)
    return aiosql.from_path(path.with_name(f"{noun or path.stem}.sql"), "psycopg")
