"""Tunes the Python interpreter while many large pages pass through it."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

# Pages are many small objects without cycles: to collect garbage as often as usual is half of the work.
_COLLECT_AFTER = (100_000, 50, 100)
# The thread that stores waits this long at each answer of the database while another thread decodes.
_SWITCH_SECONDS = 0.001

_M_MMAP_THRESHOLD = -3  # of glibc's <malloc.h>
_LARGE_BYTES = 256 * 1024


class _Users:
    """How many blocks need the tuning now, and how to undo it when the last one ends."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.number = 0
        self.undo: Callable[[], None] = lambda: None


_users = _Users()


@contextmanager
def tuned_interpreter() -> Iterator[None]:
    """Within the block, collects garbage seldom, gives freed large blocks back, and switches threads quickly.

    Any threads may enter and leave in any order: the interpreter is as before when the last of them has left.
    """
    _give_back_large_blocks()
    with _users.lock:
        _users.number += 1
        if _users.number == 1:
            _users.undo = _tuned()
    try:
        yield
    finally:
        with _users.lock:
            _users.number -= 1
            if _users.number == 0:
                _users.undo()


def _tuned() -> Callable[[], None]:
    """Tunes the interpreter, and returns what undoes it."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(*_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_SECONDS)

    def undo() -> None:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)

    return undo


@cache
def _give_back_large_blocks() -> None:
    """Fixes glibc's bound for large blocks: otherwise it grows to the largest block freed, and threads keep blocks."""
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    except (AttributeError, OSError):
        return  # another C library
