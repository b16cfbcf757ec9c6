"""Folders and files under B24_HOME: other users of the machine may not read them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

from b24_pipeline.errors import SettingsError

PRIVATE_UMASK = 0o077
"""The umask of processes that write logs under B24_HOME."""

_OTHERS = 0o077
_ENTER_ONLY = 0o711


def home_folder(home: Path) -> Path:
    """The folder B24_HOME as an absolute path; a new one is its owner's alone.

    A folder that is there keeps its rights: it may hold other things as well. Raises SettingsError where we can make
    none, or may not write into it.
    """
    folder = home.expanduser().resolve()
    try:
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, f"{error.strerror}: {error.filename}") from None
    if not folder.is_dir():
        raise _unusable(folder, "it is no folder")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        is_ours = folder.stat().st_uid == os.geteuid()
        raise _unusable(folder, "we may not write into it" if is_ours else "it belongs to another user")
    return folder


def _unusable(folder: Path, reason: str) -> SettingsError:
    return SettingsError(
        f"the folder {folder} cannot be used: {reason}; set B24_HOME to a folder of your own"
    )


def private_folder(path: Path) -> Path:
    """Makes a folder of ours that its owner alone may enter, or takes the rights of others away from it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _take_from_others(path)
    return path


def private_file(path: Path, mode: str) -> IO[Any]:
    """Opens a text file of ours that its owner alone may read; one that is there loses the rights of others."""
    file = open(path, mode, encoding="utf-8", opener=_opened_privately)  # noqa: SIM115  Path has no opener
    _take_from_others(path)
    return file


def let_others_enter_only(folder: Path) -> None:
    """For root: the embedded PostgreSQL runs as another user, who has to pass through the folder to its own."""
    folder.chmod(_ENTER_ONLY)


def _opened_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _take_from_others(path: Path) -> None:
    found = path.stat()
    if found.st_mode & _OTHERS and found.st_uid == os.geteuid():
        path.chmod(found.st_mode & 0o700)
