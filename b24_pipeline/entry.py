"""Where the `b24` command begins: an installation for reading alone has none of its packages.

The first thing is to provide for Ctrl-C: what is imported then takes a second, in which nothing has begun yet.
"""

from __future__ import annotations

import os
import signal
import sys

INTERRUPTED = 130


def main() -> None:
    """Runs the command line, or says in one line what is missing."""
    interrupts_end_at_once()
    try:
        from b24_pipeline.cli import main as run
    except ModuleNotFoundError as error:
        sys.exit(
            f"b24: the package {error.name} is missing: this installation is for `b24_pipeline.read` alone; "
            f"the commands need all packages: pip install {_wheel()}"
        )
    run()


def interrupts_end_at_once() -> None:
    """Ctrl-C ends the process without a word. As an exception, an import might lose it, or print a traceback."""
    if (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):  # else whoever started us has it ignored
        signal.signal(signal.SIGINT, _end)


def interrupts_are_exceptions() -> None:
    """Ctrl-C raises KeyboardInterrupt again: from here on there is something to be left in order."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)


def _wheel() -> str:
    """The file that this installation came from: in a public index another project may have our name."""
    from importlib.metadata import version

    return f"b24_pipeline-{version('b24-pipeline')}-py3-none-any.whl"
