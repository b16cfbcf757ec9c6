"""Child processes that live in a session of their own and are to end with this process all the same."""

from __future__ import annotations

import ctypes
import signal
from contextlib import suppress

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Has Linux end the child when this process is killed; other systems let it run on. A `preexec_fn`."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
