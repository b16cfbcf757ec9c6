"""Ends groups of processes: for `b24 up`, and in its place where it was killed.

Also a program of its own, on the standard library alone.

The processes of `b24 up` start others, such as Dagster's runs, which Linux does not end with it. Each process of
`b24 up` leads a group, to which these belong. The guard reads the groups from a pipe, which the kernel closes
however `b24 up` ends.

usage: service_guard.py SECONDS   (of patience; each line on standard input has all groups that there are)
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

LOOK_SECONDS = 0.1


def end_groups(
    groups: Iterable[int], patience_seconds: float, is_hurried: Callable[[], bool] = lambda: False
) -> None:
    """Waits for the leaders of the groups, which were asked to end, and kills what is left of their groups.

    A leader that does not end in time is killed too, and all of them once it is hurried.
    """
    left = set(groups)
    until = time.monotonic() + patience_seconds
    while left:
        is_over = time.monotonic() > until or is_hurried()
        ended = {group for group in left if is_over or not _is_led(group)}
        for group in ended:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        left -= ended
        if left:
            time.sleep(LOOK_SECONDS)


def _is_led(group: int) -> bool:
    try:
        os.kill(group, 0)
    except ProcessLookupError:
        return False
    return True


def is_there(group: int) -> bool:
    """Whether a process of this group is left, its leader or another one."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _guard(patience_seconds: float) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever ends us all has need of us
    groups: list[int] = []
    for line in sys.stdin:
        groups = [int(number) for number in line.split()]
    end_groups(groups, patience_seconds)


if __name__ == "__main__":
    _guard(float(sys.argv[1]))
