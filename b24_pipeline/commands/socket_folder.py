"""The folder of `b24 up` for its sockets, which have to have a short path, and so cannot lie in B24_HOME."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from b24_pipeline.store.database.private_files import private_file

_PREFIX, _LOCK = "b24-up-", "lock"
_YOUNG_SECONDS = 60.0  # in which a folder's maker may not have locked it yet


class SocketFolder:
    """A new folder, locked as long as this process lives; those of processes that were killed are removed."""

    def __init__(self) -> None:
        remove_forsaken(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = private_file(self.path / _LOCK, "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Removes it; the processes that used it have ended."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def remove_forsaken(inside: Path) -> None:
    """Removes folders of ours that nobody holds any more: a process that is killed leaves its own."""
    for lock in inside.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # another user's, or another process was faster
            if time.time() - lock.parent.stat().st_mtime < _YOUNG_SECONDS:
                continue
            with lock.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent)
