"""Tells when the files of the operator's own models (B24_MODELS_PATH) have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

ENDINGS = (".sql", ".yml", ".yaml")
LOOK_EVERY = 2.0
"""Seconds between two looks, and how long files have to rest: whoever saves several is not answered in between."""

Files: TypeAlias = frozenset[tuple[str, int, int]]
"""The path of each file, its time of change in nanoseconds, and its size in bytes."""


class ModelFiles:
    """The files of a folder as they were when they were last taken; without a folder they never change."""

    def __init__(self, folder: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._last: Files = frozenset()
        self._taken = self._last = self._files()
        self._looked_at = clock()

    def have_changed(self) -> bool:
        """Whether they differ from those that were taken, and rest; takes them as they are now."""
        if self._folder is None or self._clock() - self._looked_at < LOOK_EVERY:
            return False
        self._looked_at = self._clock()
        before, self._last = self._last, self._files()
        if self._last == self._taken or self._last != before:
            return False
        self._taken = self._last
        return True

    def _files(self) -> Files:
        if self._folder is None:
            return frozenset()
        try:
            found = [path for path in self._folder.rglob("*") if path.suffix in ENDINGS]
            looked = [(str(path), path.stat()) for path in found]
        except OSError:  # a folder or file that goes away at this moment is seen at the next look
            return self._last
        return frozenset((path, state.st_mtime_ns, state.st_size) for path, state in looked)
