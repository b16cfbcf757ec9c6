"""The interpreter, tuned while many large pages pass through it."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# Pages are many small objects without cycles: collecting after each few hundred is half the work.
_COLLECT_AFTER = (100_000, 50, 100)
# The thread that stores waits so long at each answer of the database while another one decodes.
_SWITCH_SECONDS = 0.001

_M_MMAP_THRESHOLD = -3  # of glibc's <malloc.h>
_LARGE_BYTES = 256 * 1024


@contextmanager
def tuned() -> Iterator[None]:
    """Collects garbage seldom, keeps no large block that was freed, and lets threads take turns quickly."""
    _give_back_large_blocks()
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(*_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)


@cache
def _give_back_large_blocks() -> None:
    """By itself glibc raises this bound to the largest block freed, and each thread then keeps some for later."""
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    except (AttributeError, OSError):
        return  # another C library
