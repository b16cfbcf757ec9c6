"""How a process through which many large pages pass stays small and quick."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# Pages are many small objects without cycles: collecting after each few hundred is half the work
_CALM = (100_000, 50, 100)

_M_MMAP_THRESHOLD = -3  # of glibc's <malloc.h>
_LARGE_BYTES = 256 * 1024


@contextmanager
def calm_memory() -> Iterator[None]:
    """Collects garbage seldom while pages come and go, and keeps no answer's room once it is freed."""
    _give_back_large_blocks()
    usual = gc.get_threshold()
    gc.set_threshold(*_CALM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@cache
def _give_back_large_blocks() -> None:
    """By itself glibc raises this bound to the largest block freed, and each thread then keeps some for later."""
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    except (AttributeError, OSError):
        return  # another C library
