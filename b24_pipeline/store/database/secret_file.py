"""A secret of the embedded default: made once under B24_HOME, readable by its owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from b24_pipeline.store.database.private_files import home_folder


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """Reads the secret in this file; `make` makes it where there is none. Raises SettingsError for its folder."""
    home_folder(path.parent)
    if not path.exists():
        _write(path, make())
    return path.read_text().strip()


def _write(path: Path, secret: str) -> None:
    """Writes the file aside and links it, so that it appears whole and one of two processes wins."""
    aside = path.with_name(f"{path.name}.{uuid4()}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret)
    with suppress(FileExistsError):
        path.hardlink_to(aside)
    aside.unlink()
