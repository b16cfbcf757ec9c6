"""Ctrl-C while a command begins, and afterwards.

It imports next to nothing: until `end_at_once` is called, Ctrl-C is a traceback.
"""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130
"""The exit code of what Ctrl-C has ended."""


def end_at_once() -> None:
    """Ctrl-C ends the process without a word. As an exception, an import might lose it, or print a traceback."""
    if (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):  # else whoever started us has it ignored
        signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """Ctrl-C raises KeyboardInterrupt again: from here on there is something to be left in order."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)
